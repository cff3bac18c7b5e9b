/** Small file operations that unpacking and settling share; all synchronous, none follows a final symlink. */

import fs from 'node:fs';
import { type BytePath, makeNodeAt, setTimesAt, setXattrAt } from '../../linux/byte-paths.js';
import { errnoName } from '../../linux/libc.js';

export const OPAQUE = 'trusted.overlay.opaque';
const YES = Buffer.from('y');

/** lstat(2); undefined when there is nothing. */
export function statOf(path: BytePath): fs.Stats | undefined {
  try {
    return fs.lstatSync(path);
  } catch (error) {
    const name = errnoName(error);
    if (name === 'ENOENT' || name === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** overlayfs hides a lower name by a character device 0:0 (Documentation/filesystems/overlayfs.rst). */
export function isWhiteout(stat: fs.Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

export function makeWhiteout(path: BytePath): void {
  makeNodeAt(path, fs.constants.S_IFCHR, 0);
}

/** Hides what lower layers have in this directory. */
export function makeOpaque(path: BytePath): void {
  setXattrAt(path, OPAQUE, YES);
}

/** What a directory is that no layer has an entry of: 0755 at the epoch, and without the group of a set-group-id parent. */
export function resetDirectory(path: BytePath): void {
  fs.lchownSync(path, 0, 0);
  fs.chmodSync(path, 0o755);
  setTimesAt(path, 0, 0);
}

/** Sets an attribute; false when this file system or file type cannot have it (symlinks and user.*, tmpfs). */
export function tryXattr(path: BytePath, name: string, value: Buffer): boolean {
  try {
    setXattrAt(path, name, value);
    return true;
  } catch (error) {
    const errno = errnoName(error);
    if (errno === 'EOPNOTSUPP' || errno === 'ENOTSUP' || (errno === 'EPERM' && name.startsWith('user.'))) return false;
    throw error;
  }
}
