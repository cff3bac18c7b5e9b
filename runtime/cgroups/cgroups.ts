/**
 * Cgroups: making, limiting, measuring, killing and removing them, by cgroupfs alone. v1 hierarchies (also the hybrid
 * layout) and v2 behind one interface; which one is the host's affair.
 */

import fs from 'node:fs/promises';
import { findHierarchies } from './hierarchies.js';
import type { Cgroups } from './types.js';
import { CgroupsV1 } from './v1.js';
import { CgroupsV2 } from './v2.js';

/** Finds out how this host mounts cgroups. Throws FAILED_PRECONDITION where it does not. */
export async function createCgroups(): Promise<Cgroups> {
  const hierarchies = findHierarchies(await fs.readFile('/proc/self/mountinfo', 'utf8'));
  const { version, unified } = hierarchies;
  return version === 2 && unified !== undefined ? new CgroupsV2(unified) : new CgroupsV1(hierarchies);
}
