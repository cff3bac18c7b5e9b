/**
 * Directories by descriptor. `/proc/self/fd/N/name` is `name` in the directory that was opened, whatever its path means
 * by now, so a directory that is swapped for a symlink behind crib's back leads nowhere. Only the last component can be a
 * symlink, and each call says what it does with one.
 */

import fs from 'node:fs';
import { type BytePath, openBytesAt } from './byte-paths.js';
import { O, RESOLVE } from './constants.js';

/** Nothing below leads up, out or through a symlink. */
const INSIDE = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/** `name` in the directory `fd`, as a path; without a name the directory itself. */
export function pathIn(fd: number, name: BytePath = ''): BytePath {
  if (typeof name === 'string') return name === '' ? `/proc/self/fd/${fd}` : `/proc/self/fd/${fd}/${name}`;
  return Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
}

/**
 * Opens a directory below `fd` for reading; `path` may have several components. Throws ELOOP or ENOTDIR for a symlink or
 * anything else that is none, and EXDEV where something is mounted, unless `mounts` are entered. The caller closes it.
 */
export function openDirectoryIn(fd: number, path: BytePath, mounts = false): number {
  const resolve = INSIDE | (mounts ? 0 : RESOLVE.NO_XDEV);
  return openBytesAt(fd, path, O.DIRECTORY | O.NOFOLLOW | fs.constants.O_RDONLY, resolve);
}

/** Opens `name` with O_PATH: a symlink is opened itself, and a mount is entered only where `mounts` says so. */
export function openEntryIn(fd: number, name: BytePath, mounts: boolean): number {
  const resolve = RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS | (mounts ? 0 : RESOLVE.NO_XDEV);
  return openBytesAt(fd, name, O.PATH | O.NOFOLLOW, resolve);
}
