/**
 * A configMap, secret, projected or downwardAPI volume as a whole, at one moment. The kubelet writes a dated directory,
 * then renames `..data` onto it (pkg/volume/util/atomic_writer.go), so what `..data` names never changes, only goes.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from '../runtime/errors.js';
import { errnoName } from '../runtime/linux/libc.js';
import type { TarMember } from '../runtime/tar-writer.js';

/** Swaps that may come while the tree is read. */
const ATTEMPTS = 5;
const LINK = '..data';

/** `path` is relative to the volume: of the dated directory or below it. */
export type TreeEntry = TarMember;

export interface WatchedTree {
  /** The dated directory that `..data` names. */
  readonly dated: string;
  /** Names at the top of it: each is a symlink through `..data` at the top of the volume. */
  readonly keys: readonly string[];
  /** The dated directory and everything in it, parents first. */
  readonly entries: readonly TreeEntry[];
}

export interface TreeLimits {
  /** Of contents and names together. */
  readonly bytes: number;
  readonly entries: number;
}

/** What `..data` names; undefined where the volume is not laid out by a kubelet. */
export async function datedDirectory(volume: string): Promise<string | undefined> {
  const target = await fs.readlink(path.join(volume, LINK)).catch(() => undefined);
  return target !== undefined && /^\.\.[^/.][^/]{0,200}$/.test(target) ? target : undefined;
}

/**
 * Reads the volume. Throws FAILED_PRECONDITION where it has no `..data` or other files than such a volume has, and
 * RESOURCE_EXHAUSTED where it is beyond the limits.
 */
export async function readWatchedTree(volume: string, limits: TreeLimits): Promise<WatchedTree> {
  for (let attempt = 1; ; attempt += 1) {
    const dated = await datedDirectory(volume);
    if (dated === undefined) {
      throw new CribError('FAILED_PRECONDITION', `reading ${volume}: it has no ..data as a kubelet's volume has`);
    }
    try {
      const entries = await new Reader(volume, limits).read(dated);
      const keys = await fs.readdir(path.join(volume, dated));
      return { dated, keys: keys.sort(), entries };
    } catch (error) {
      if (errnoName(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

class Reader {
  readonly #volume: string;
  readonly #limits: TreeLimits;
  readonly #entries: TreeEntry[] = [];
  #bytes = 0;

  constructor(volume: string, limits: TreeLimits) {
    this.#volume = volume;
    this.#limits = limits;
  }

  async read(dated: string): Promise<TreeEntry[]> {
    const pending = [dated];
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      const file = path.join(this.#volume, name);
      const stat = await fs.lstat(file);
      const type = stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'symlink';
      if (type === 'symlink' && !stat.isSymbolicLink()) {
        throw new CribError('FAILED_PRECONDITION', `reading ${file}: it is no file, directory or symlink`);
      }
      this.#count(Buffer.byteLength(name) + (type === 'file' ? stat.size : 0));
      const { uid, gid } = stat;
      const content = await contentOf(file, type);
      const mtime = Math.floor(stat.mtimeMs / 1000);
      this.#entries.push({ path: name, type, mode: stat.mode & 0o7777, uid, gid, mtime, content });
      if (type === 'directory') {
        for (const child of (await fs.readdir(file)).sort()) pending.push(path.join(name, child));
      }
    }
    return this.#entries;
  }

  /** Before it is read. */
  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) this.#refuse(`it is larger than ${this.#limits.bytes} bytes`);
    if (this.#entries.length >= this.#limits.entries) this.#refuse(`it has more than ${this.#limits.entries} entries`);
  }

  #refuse(why: string): never {
    throw new CribError('RESOURCE_EXHAUSTED', `reading ${this.#volume}: ${why}`);
  }
}

async function contentOf(file: string, type: TreeEntry['type']): Promise<Buffer> {
  if (type === 'directory') return Buffer.alloc(0);
  return type === 'file' ? fs.readFile(file) : Buffer.from(await fs.readlink(file));
}
