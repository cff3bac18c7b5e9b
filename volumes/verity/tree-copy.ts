/** A tree copied to a place that crib owns, entry by entry and without following a symlink: what is checked there stays. */

import { closeSync, type Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { CribError, messageOf } from '../../runtime/errors.js';
import { type BytePath, makeNodeAt, setXattrAt } from '../../runtime/linux/byte-paths.js';
import { O } from '../../runtime/linux/constants.js';
import { openDirectoryIn, pathIn } from '../../runtime/linux/descriptor-paths.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { attributesAt } from './attributes.js';

const PIECE_BYTES = 256 << 10;
const MAX_DEPTH = 256;

/**
 * Copies what is in the directory `from` into the empty directory `to` (descriptors), with owners, modes and the extended
 * attributes that the root hash covers, and those of `from` itself; times are left out. Hard links become files.
 * Throws CANCELLED, RESOURCE_EXHAUSTED where `to` is full, FAILED_PRECONDITION for what cannot be copied.
 */
export async function copyTree(from: number, to: number, signal?: AbortSignal): Promise<void> {
  await new TreeCopy(signal).directory(from, to, '.', 0);
}

class TreeCopy {
  readonly #signal: AbortSignal | undefined;
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async directory(from: number, to: number, path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw failed(path, new Error(`it is more than ${MAX_DEPTH} directories deep`));
    const stat = await fs.stat(pathIn(from));
    for (const name of await fs.readdir(pathIn(from), { encoding: 'buffer' })) {
      const child = path === '.' ? name.toString() : `${path}/${name.toString()}`;
      try {
        await this.#entry(from, to, name, child, depth + 1);
      } catch (error) {
        throw failed(child, error);
      }
    }
    await fs.chown(pathIn(to), stat.uid, stat.gid);
    await fs.chmod(pathIn(to), stat.mode & 0o7777);
    copyAttributes(pathIn(from, '.'), pathIn(to, '.'));
  }

  async #entry(from: number, to: number, name: Buffer, path: string, depth: number): Promise<void> {
    if (this.#signal?.aborted === true) throw new CribError('CANCELLED', `copying ${path}: it was given up`);
    const [source, target] = [pathIn(from, name), pathIn(to, name)];
    const stat = await fs.lstat(source);
    if (stat.isDirectory()) return this.#subdirectory(from, to, name, path, depth);
    if (stat.isFile()) return this.#file(source, target, path);
    if (stat.isSymbolicLink()) await fs.symlink(await fs.readlink(source, 'buffer'), target);
    else makeNodeAt(target, stat.mode, stat.rdev);
    await fs.lchown(target, stat.uid, stat.gid);
    if (stat.isSymbolicLink()) return;
    await fs.chmod(target, stat.mode & 0o7777);
    copyAttributes(source, target);
  }

  async #subdirectory(from: number, to: number, name: BytePath, path: string, depth: number): Promise<void> {
    await fs.mkdir(pathIn(to, name), { mode: 0o700 });
    const source = openDirectoryIn(from, name);
    try {
      const target = openDirectoryIn(to, name);
      try {
        await this.directory(source, target, path, depth);
      } finally {
        closeSync(target);
      }
    } finally {
      closeSync(source);
    }
  }

  async #file(source: BytePath, target: BytePath, path: string): Promise<void> {
    const from = await fs.open(source, fs.constants.O_NONBLOCK | O.NOFOLLOW);
    try {
      const to = await fs.open(target, 'wx', 0o600);
      try {
        await this.#content(from, to, path);
        const stat: Stats = await from.stat();
        await to.chown(stat.uid, stat.gid);
        await to.chmod(stat.mode & 0o7777);
        copyAttributes(source, target);
      } finally {
        await to.close();
      }
    } catch (error) {
      throw failed(path, error);
    } finally {
      await from.close();
    }
  }

  async #content(from: fs.FileHandle, to: fs.FileHandle, path: string): Promise<void> {
    for (;;) {
      if (this.#signal?.aborted === true) throw new CribError('CANCELLED', `copying ${path}: it was given up`);
      const { bytesRead } = await from.read(this.#piece, 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      await to.writeFile(this.#piece.subarray(0, bytesRead));
    }
  }
}

/** After the owner, with which the kernel takes a file's capabilities away. */
function copyAttributes(source: BytePath, target: BytePath): void {
  for (const [name, value] of attributesAt(source)) setXattrAt(target, name, value);
}

function failed(path: string, cause: unknown): CribError {
  if (cause instanceof CribError) return cause;
  const code = errnoName(cause) === 'ENOSPC' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
  return new CribError(code, `copying ${path}: ${messageOf(cause)}`, { cause });
}
