/**
 * /dev/null for containers. crun before 1.9 gives its standard streams to the container's user by fchown(2), device or
 * not; the user could then change the mode of the host's /dev/null, for everybody.
 */

import fs from 'node:fs';
import { AT, MOUNT_ATTR } from '../linux/constants.js';
import { errnoName } from '../linux/libc.js';
import { cloneTree, setMountAttributes } from '../linux/mounts.js';

/**
 * Opened on a read-only mount of its own, which nobody sees: reading and writing work, owner and mode cannot be changed
 * (EROFS). Where the kernel cannot do that (before 5.12) it is /dev/null as it is. The caller closes it.
 */
export function openNull(): number {
  let tree: number | undefined;
  try {
    tree = cloneTree(AT.FDCWD, '/dev/null', false);
    setMountAttributes(tree, { set: MOUNT_ATTR.RDONLY }, false);
    return fs.openSync(`/proc/self/fd/${tree}`, 'r+');
  } catch (error) {
    if (errnoName(error) !== 'ENOSYS' && errnoName(error) !== 'EPERM') throw error;
    return fs.openSync('/dev/null', 'r+');
  } finally {
    if (tree !== undefined) fs.closeSync(tree);
  }
}
