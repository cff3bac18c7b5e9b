/** A real cgroup v1 that goes with its test, for the files of one version only. */

import fs from 'node:fs';
import type { TestContext } from 'node:test';
import { findHierarchies, type Hierarchies } from '../../../runtime/cgroups/hierarchies.js';
import { CgroupsV1 } from '../../../runtime/cgroups/v1.js';

const hierarchies: Hierarchies = findHierarchies(fs.readFileSync('/proc/self/mountinfo', 'utf8'));

/** The reason to leave a test of v1 out, or false. */
export const NO_V1 = hierarchies.version === 2 && 'here cgroups are v2';

let made = 0;

export interface RealV1 {
  readonly cgroups: CgroupsV1;
  /** Made, empty. */
  readonly base: string;
  readonly controllers: ReadonlyMap<string, string>;
  readonly directoryOf: (controller: string) => string | undefined;
  read(controller: string, file: string, path?: string): string;
}

export async function realV1(t: TestContext): Promise<RealV1> {
  const cgroups = new CgroupsV1(hierarchies);
  const base = `/crib-v1-test-${process.pid}-${made++}`;
  const directory = (controller: string, path: string) => {
    const root = hierarchies.controllers.get(controller);
    return root === undefined ? undefined : `${root}${path}`;
  };
  t.after(async () => {
    await cgroups.kill(base);
    await cgroups.remove(base);
  });
  await cgroups.create(base);
  return {
    cgroups,
    base,
    controllers: hierarchies.controllers,
    directoryOf: (controller) => directory(controller, base),
    read: (controller, file, path = base) => fs.readFileSync(`${directory(controller, path)}/${file}`, 'utf8').trim(),
  };
}
