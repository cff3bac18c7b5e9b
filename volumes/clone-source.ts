/** The source of a mount, as crib mounts it itself. */

import fs from 'node:fs';
import { AT, O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { cloneTree } from '../runtime/linux/mounts.js';

/**
 * A detached copy of the mount at `realPath`, in which symlinks were resolved when it was recognised: should somebody have
 * put one there since, that is ELOOP. The caller attaches and closes it.
 */
export function cloneSource(realPath: string, recursive: boolean): number {
  const source = openat2(AT.FDCWD, realPath, O.PATH, RESOLVE.NO_SYMLINKS);
  try {
    return cloneTree(source, '', recursive);
  } finally {
    fs.closeSync(source);
  }
}
