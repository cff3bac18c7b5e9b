/** Which version of cgroups this machine has. */

import { statfsSync } from 'node:fs';

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const CGROUP2 = 0x63677270;

export function isCgroup2(): boolean {
  return statfsSync('/sys/fs/cgroup').type === CGROUP2;
}
