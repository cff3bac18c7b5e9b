/**
 * Removing what others may still be changing. Every directory is opened once, never through a symlink, and emptied by
 * its descriptor: a container that swaps one for a symlink to the host has the symlink removed. Directories are moved up
 * to the top before they are emptied, so none lies too deep for a path, or for the descriptors of this process.
 */

import { closeSync, type Dirent, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from './errors.js';
import type { BytePath } from './linux/byte-paths.js';
import { O } from './linux/constants.js';
import { entriesIn, openDirectoryIn, pathIn } from './linux/descriptor-paths.js';
import { errnoName } from './linux/libc.js';

/** Files that are unlinked at a time. */
const AT_ONCE = 16;
/** Entries that go without leaving the event loop: ten microseconds each, where a turn of the thread pool takes ten times that. */
const FEW = 32;

/**
 * Removes `target` and all below it. Nothing there is no error; a symlink or a file goes itself. Throws
 * FAILED_PRECONDITION, and leaves the rest, where something is mounted in it: what that holds is not ours to remove.
 */
export async function removeTree(target: string): Promise<void> {
  let parent: number;
  try {
    parent = openSync(path.dirname(target), O.PATH | O.DIRECTORY | O.CLOEXEC);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw error;
  }
  try {
    await new Removal(target).run(parent, path.basename(target));
  } finally {
    closeSync(parent);
  }
}

/**
 * As removeTree, for what crib has made itself and in which there are a few small files: at once, for no disk is waited
 * for. Where there is more than that, or something that does not go, it is removed as any tree.
 */
export async function removeSmallTree(target: string): Promise<void> {
  try {
    const parent = openSync(path.dirname(target), O.PATH | O.DIRECTORY | O.CLOEXEC);
    try {
      removeFew(parent, path.basename(target), FEW);
    } finally {
      closeSync(parent);
    }
  } catch {
    await removeTree(target); // which knows what is no error, and says what is one
  }
}

/** Removes the directory `name` with at most `limit` entries below it; how many more there might have been. */
function removeFew(parent: number, name: BytePath, limit: number): number {
  const opened = openDirectoryIn(parent, name);
  let left = limit;
  try {
    const entries = readdirSync(pathIn(opened), { withFileTypes: true, encoding: 'buffer' });
    left -= entries.length;
    if (left < 0) throw new CribError('RESOURCE_EXHAUSTED', `more than ${FEW} entries`);
    for (const entry of entries) {
      if (entry.isDirectory()) left = removeFew(opened, entry.name, left);
      else unlinkSync(pathIn(opened, entry.name));
    }
  } finally {
    closeSync(opened);
  }
  rmdirSync(pathIn(parent, name));
  return left;
}

class Removal {
  readonly #target: string;
  #moved = 0;

  constructor(target: string) {
    this.#target = target;
  }

  async run(parent: number, name: string): Promise<void> {
    let top = this.#open(parent, name);
    // Swapped between the two for a directory, it is opened again.
    for (; top === undefined; top = this.#open(parent, name)) {
      const gone = fs.unlink(pathIn(parent, name)).catch((error: unknown) => {
        if (errnoName(error) !== 'ENOENT') throw error;
      });
      if (await ignoring(['EISDIR'], gone)) return;
    }
    try {
      // What a directory held has been moved here, and is emptied in the next round.
      while ((await this.#empty(top, top)) > 0);
    } finally {
      closeSync(top);
    }
    await ignoring(['ENOENT'], fs.rmdir(pathIn(parent, name)));
  }

  /** Of `directory`, files go and directories are moved to `top`; those of `top` are emptied. How many entries it had. */
  async #empty(directory: number, top: number): Promise<number> {
    let count = 0;
    for await (const batch of entriesIn(directory, AT_ONCE)) {
      await Promise.all(batch.map((entry) => this.#remove(directory, entry, top)));
      count += batch.length;
    }
    return count;
  }

  async #remove(directory: number, entry: Dirent<Buffer>, top: number): Promise<void> {
    if (!entry.isDirectory()) return this.#removeFile(directory, entry.name);
    if (directory !== top) return this.#moveUp(directory, entry.name, top);
    const opened = this.#open(top, entry.name);
    if (opened === undefined) return; // swapped meanwhile: the next round sees what it is now
    try {
      await this.#empty(opened, top);
    } finally {
      closeSync(opened);
    }
    await this.#told(entry.name, ['ENOENT', 'ENOTDIR', 'ENOTEMPTY'], fs.rmdir(pathIn(top, entry.name)));
  }

  /** What became a directory meanwhile is left to the next round. */
  async #removeFile(directory: number, name: Buffer): Promise<void> {
    await this.#told(name, ['ENOENT', 'EISDIR'], fs.unlink(pathIn(directory, name)));
  }

  async #moveUp(directory: number, name: Buffer, top: number): Promise<void> {
    const isEmpty = await this.#told(
      name,
      ['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'],
      fs.rmdir(pathIn(directory, name)),
    );
    if (isEmpty) return;
    for (let moved = false; !moved; ) {
      this.#moved += 1;
      const there = pathIn(top, `.removed-${process.pid}-${this.#moved}`);
      const move = fs.rename(pathIn(directory, name), there).catch((error: unknown) => {
        if (errnoName(error) !== 'ENOENT') throw error;
      });
      moved = await this.#told(name, ['EEXIST', 'ENOTEMPTY', 'ENOTDIR'], move);
    }
  }

  /** undefined: it is no directory. */
  #open(fd: number, name: BytePath): number | undefined {
    try {
      return openDirectoryIn(fd, name);
    } catch (error) {
      const code = errnoName(error);
      if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT') return undefined;
      throw code === 'EXDEV' ? this.#mounted(name, error) : error;
    }
  }

  /** True when `work` succeeded, false when it failed by one of `codes`. */
  async #told(name: BytePath, codes: readonly string[], work: Promise<void>): Promise<boolean> {
    try {
      return await ignoring(codes, work);
    } catch (error) {
      throw errnoName(error) === 'EBUSY' || errnoName(error) === 'EXDEV' ? this.#mounted(name, error) : error;
    }
  }

  #mounted(name: BytePath, cause: unknown): CribError {
    const message = `removing ${this.#target}: something is mounted in it, at ${name.toString()}; unmount that first`;
    return new CribError('FAILED_PRECONDITION', message, { cause });
  }
}

async function ignoring(codes: readonly string[], work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (codes.includes(errnoName(error) ?? '')) return false;
    throw error;
  }
}
