/** A cgroup of a test's own, wherever this host has them. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { findHierarchies } from '../../runtime/cgroups/hierarchies.js';

/** Makes it; a process is in it once its pid is written to `cgroup.procs`. The caller removes it. */
export function makeCgroup(name: string): string {
  const { controllers, unified } = findHierarchies(fs.readFileSync('/proc/self/mountinfo', 'utf8'));
  const root = unified ?? controllers.get('pids') ?? assert.fail('no cgroups');
  const directory = path.join(root, `${name}-${process.pid}`);
  fs.mkdirSync(directory);
  return directory;
}
