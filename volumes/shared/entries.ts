/**
 * The entries of a directory that mounts are attached in. An entry is made, mounted on and taken out by descriptors, so
 * nothing that takes its name meanwhile is touched, and no symlink is followed.
 */

import fs from 'node:fs';
import { attempting, CribError, messageOf } from '../../runtime/errors.js';
import { O } from '../../runtime/linux/constants.js';
import { openEntryIn, pathIn } from '../../runtime/linux/descriptor-paths.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { attachTree, unmountDescriptor } from '../../runtime/linux/mounts.js';
import { reportAttack, type Watch } from './attack.js';

/** A directory that was opened once, and the path that messages name it by. */
export interface OpenDirectory {
  readonly fd: number;
  readonly path: string;
}

/**
 * Makes the entry `name` and attaches the detached mount `tree` there, whole: it is never seen half made. Throws
 * ALREADY_EXISTS where the name is taken; then, and on any other failure, nothing is left of it.
 */
export function attachEntry(directory: OpenDirectory, name: string, tree: number): void {
  const where = `${directory.path}/${name}`;
  makeEntry(directory, name, fs.fstatSync(tree).isDirectory());
  try {
    const point = openEntryIn(directory.fd, name, false);
    try {
      attachTree(tree, point, '');
    } finally {
      fs.closeSync(point);
    }
  } catch (error) {
    removeEntry(directory, name);
    throw attempting(`mounting at ${where}`, error);
  }
}

/** Nobody but crib gets to what is below the mount. */
function makeEntry({ fd, path }: OpenDirectory, name: string, isDirectory: boolean): void {
  const entry = pathIn(fd, name);
  try {
    if (isDirectory) fs.mkdirSync(entry, { mode: 0o700 });
    else fs.closeSync(fs.openSync(entry, O.NOFOLLOW | fs.constants.O_CREAT | fs.constants.O_EXCL, 0o600));
  } catch (cause) {
    if (errnoName(cause) !== 'EEXIST') throw attempting(`making the mount point ${path}/${name}`, cause);
    throw new CribError('ALREADY_EXISTS', `mounting at ${path}/${name}: something is there already`, { cause });
  }
}

/**
 * Unmounts everything that is stacked on the entry, lazily, and removes it. Nothing there is no error. A symlink is an
 * attack: it is reported and removed, and what it points to stays as it is.
 */
export async function detachEntry(directory: OpenDirectory, name: string, watch: Watch): Promise<void> {
  const where = `${directory.path}/${name}`;
  for (;;) {
    const found = openTop(directory, name);
    if (found === undefined) return;
    try {
      const facts = fs.fstatSync(found.fd);
      if (facts.isSymbolicLink()) {
        reportAttack(watch, where, `a symlink to ${fs.readlinkSync(pathIn(directory.fd, name))}`);
      }
      if (!found.mounted) break;
      await unmountDescriptor(found.fd, where);
    } catch (error) {
      throw attempting(`unmounting ${where}`, error);
    } finally {
      fs.closeSync(found.fd);
    }
  }
  removeEntry(directory, name);
}

/** The entry itself, or the root of the mount on it; undefined where there is neither. */
function openTop({ fd }: OpenDirectory, name: string): { fd: number; mounted: boolean } | undefined {
  try {
    return { fd: openEntryIn(fd, name, false), mounted: false };
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    if (errnoName(error) !== 'EXDEV') throw error;
  }
  return { fd: openEntryIn(fd, name, true), mounted: true };
}

/** True where a mount is attached at the entry. */
export function isMountedEntry(directory: OpenDirectory, name: string): boolean {
  const found = openTop(directory, name);
  if (found !== undefined) fs.closeSync(found.fd);
  return found?.mounted === true;
}

/** Never recursively: an entry is an empty directory, or a file without content. */
function removeEntry({ fd, path }: OpenDirectory, name: string): void {
  const entry = pathIn(fd, name);
  try {
    if (fs.lstatSync(entry).isDirectory()) fs.rmdirSync(entry);
    else fs.unlinkSync(entry);
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return;
    throw new CribError('FAILED_PRECONDITION', `removing ${path}/${name}: ${messageOf(cause)}`, { cause });
  }
}
