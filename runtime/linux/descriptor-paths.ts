/**
 * Directories by descriptor. `/proc/self/fd/N/name` is `name` in the directory that was opened, whatever its path means
 * by now, so a directory that is swapped for a symlink behind crib's back leads nowhere. Only the last component can be a
 * symlink, and each call says what it does with one.
 */

import fs, { type Dir, type Dirent, type OpenDirOptions } from 'node:fs';
import { type BytePath, openBytesAt } from './byte-paths.js';
import { O, RESOLVE } from './constants.js';

/** Nothing below leads up, out or through a symlink. */
const INSIDE = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/** What a directory of a few thousand entries takes, at 20 bytes each (tmpfs) or more: read at once it costs less. */
const SMALL_BYTES = 64 * 1024;

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

/**
 * What is in the directory `fd`, `count` entries at a time, however many there are: a container may write millions of
 * them. What is removed or comes meanwhile may be missing.
 */
export async function* entriesIn(fd: number, count: number): AsyncGenerator<Dirent<Buffer>[], void, undefined> {
  if (fs.fstatSync(fd).size <= SMALL_BYTES) {
    const all = await fs.promises.readdir(pathIn(fd), { withFileTypes: true, encoding: 'buffer' });
    for (let start = 0; start < all.length; start += count) yield all.slice(start, start + count);
    return;
  }
  const options: OpenDirOptions = { encoding: 'buffer' as BufferEncoding, bufferSize: count };
  const directory = await fs.promises.opendir(pathIn(fd), options);
  try {
    for (let batch = await next(directory, count); batch.length > 0; batch = await next(directory, count)) yield batch;
  } finally {
    await directory.close();
  }
}

async function next(directory: Dir, count: number): Promise<Dirent<Buffer>[]> {
  const batch: Dirent<Buffer>[] = [];
  for (let entry = await directory.read(); entry !== null; entry = await directory.read()) {
    batch.push(entry as unknown as Dirent<Buffer>); // as the encoding says
    if (batch.length === count) break;
  }
  return batch;
}

/** Opens `name` with O_PATH: a symlink is opened itself, and a mount is entered only where `mounts` says so. */
export function openEntryIn(fd: number, name: BytePath, mounts: boolean): number {
  const resolve = RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS | (mounts ? 0 : RESOLVE.NO_XDEV);
  return openBytesAt(fd, name, O.PATH | O.NOFOLLOW, resolve);
}
