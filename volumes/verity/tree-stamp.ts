/**
 * Whether anything in a tree may have changed, told without reading it: each change of an inode moves its ctime, which
 * nobody can set, also one by mmap(2), by a hard link from elsewhere or on another host. So a tree whose stamp is the same
 * is the same; one whose stamp differs is hashed again.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync } from 'node:fs';
import fs from 'node:fs/promises';
import { CribError } from '../../runtime/errors.js';
import { openDirectoryIn, pathIn } from '../../runtime/linux/descriptor-paths.js';
import { sortedNames } from './directory-names.js';

const MAX_DEPTH = 256;
/** Asked for at one time: the thread pool has four threads, and others need them. */
const AT_ONCE = 2;
/** A file system may take its time from a clock that moves every 10 ms: so young a change may have had a twin. */
const CLOCK_NS = 50_000_000n;
/** As many paths are told; the tree may have any number. */
const MAX_PATHS = 128;
const NEVER = 1n << 63n;

export interface StampOptions {
  /** Nanoseconds since the epoch: `changed` names what has changed later. */
  readonly since?: bigint;
  readonly signal?: AbortSignal | undefined;
}

export interface TreeStamp {
  /** 64 hexadecimal digits; empty where a change could have gone unseen: that it is the same proves nothing. */
  readonly stamp: string;
  /** Paths below the top that have changed, `.` for the top itself; a directory changes with the names in it. At most 128. */
  readonly changed: readonly string[];
  /** Directories, the top (empty) first; at most 128. */
  readonly directories: readonly string[];
}

/**
 * Of the directory or file that `fd` is open on (O_PATH is enough). Throws CANCELLED, FAILED_PRECONDITION for too deep a
 * tree or a directory too large, and what stat(2) and open(2) say of what goes meanwhile or is a mount.
 */
export async function stampTree(fd: number, options: StampOptions = {}): Promise<TreeStamp> {
  return new Stamping(options).run(fd);
}

class Stamping {
  readonly #since: bigint;
  readonly #signal: AbortSignal | undefined;
  readonly #hash = createHash('sha256');
  readonly #changed: string[] = [];
  readonly #directories: string[] = [];
  #newest = 0n;

  constructor({ since = NEVER, signal }: StampOptions) {
    this.#since = since;
    this.#signal = signal;
  }

  async run(fd: number): Promise<TreeStamp> {
    const begun = BigInt(Date.now()) * 1_000_000n;
    const top = await fs.stat(pathIn(fd), { bigint: true });
    this.#take('', Buffer.alloc(0), top);
    if (top.isDirectory()) await this.#directory(fd, '', 0);
    const isSure = this.#newest < begun - CLOCK_NS;
    return {
      stamp: isSure ? this.#hash.digest('hex') : '',
      changed: this.#changed,
      directories: this.#directories,
    };
  }

  async #directory(fd: number, path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH)
      throw new CribError('FAILED_PRECONDITION', `${path}: more than ${MAX_DEPTH} directories deep`);
    if (this.#directories.length < MAX_PATHS) this.#directories.push(path);
    const names = await sortedNames(fd, path);
    const below: Buffer[] = [];
    for (let start = 0; start < names.length; start += AT_ONCE) {
      if (this.#signal?.aborted === true) throw new CribError('CANCELLED', `looking at ${path}: it was given up`);
      const batch = names.slice(start, start + AT_ONCE);
      const stats = await Promise.all(batch.map((name) => fs.lstat(pathIn(fd, name), { bigint: true })));
      for (const [index, name] of batch.entries()) {
        const stat = stats[index];
        if (stat === undefined) continue;
        this.#take(join(path, name), name, stat);
        if (stat.isDirectory()) below.push(name);
      }
    }
    for (const name of below) await this.#below(fd, name, join(path, name), depth + 1);
  }

  async #below(fd: number, name: Buffer, path: string, depth: number): Promise<void> {
    const directory = openDirectoryIn(fd, name);
    try {
      await this.#directory(directory, path, depth);
    } finally {
      closeSync(directory);
    }
  }

  #take(path: string, name: Buffer, { ino, mode, uid, gid, size, ctimeNs, mtimeNs }: BigIntStats): void {
    this.#hash.update(`${path.length} ${ino} ${mode} ${uid} ${gid} ${size} ${ctimeNs} ${mtimeNs} ${name.length} `);
    this.#hash.update(name);
    if (ctimeNs > this.#newest) this.#newest = ctimeNs;
    if (ctimeNs > this.#since && this.#changed.length < MAX_PATHS) this.#changed.push(path === '' ? '.' : path);
  }
}

function join(path: string, name: Buffer): string {
  return path === '' ? name.toString() : `${path}/${name.toString()}`;
}
