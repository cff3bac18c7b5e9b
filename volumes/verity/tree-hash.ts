/**
 * The root hash of a tree: one SHA-256 that changes with any name, type, mode, owner, link target, device number, byte of
 * content, or attribute that attributes.ts names. docs/verity.md has the format. Nothing of the tree is held but the names
 * of the directories on the way down.
 */

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { BytePath } from '../../runtime/linux/byte-paths.js';
import { O } from '../../runtime/linux/constants.js';
import { pathIn } from '../../runtime/linux/descriptor-paths.js';
import { splitDevice } from '../../runtime/linux/files.js';
import { measureVerity } from '../../runtime/linux/fs-verity.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { type Attributes, attributesAt, attributesDigest, attributesOf } from './attributes.js';
import { sortedNames } from './directory-names.js';
import { FileDigest, sha256 } from './file-digest.js';

/** Read at a time: hashed in half a millisecond. */
const PIECE_BYTES = 256 << 10;
const MAX_DEPTH = 256;
const FS_VERITY_SHA256 = 1;

export interface TreeSummary {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly rootHash: string;
  readonly entries: number;
  readonly files: number;
  /** Of the files' content. */
  readonly bytes: number;
  /** Files that the kernel itself keeps from changing. */
  readonly byKernel: number;
}

export interface TreeHashOptions {
  readonly signal?: AbortSignal;
  /** Each entry once it is hashed, children before their directory. The path is relative to the top, which is `.`. */
  readonly onEntry?: (path: string, digest: Buffer) => void;
  /** Bytes that have been read since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Hashes the directory or file that `fd` was opened on (O_PATH is enough), without following a symlink and without
 * entering a mount in it. Throws CANCELLED, FAILED_PRECONDITION for what cannot be hashed (a mount, too deep, too many
 * names in one directory) or is swapped while it is read, DATA_LOSS where the kernel finds that a file's bytes are not
 * those that fs-verity has of it; each names the path.
 */
export async function hashTree(fd: number, options: TreeHashOptions = {}): Promise<TreeSummary> {
  return new TreeHash(options).run(fd);
}

class TreeHash {
  readonly #options: TreeHashOptions;
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #device = 0;
  #entries = 0;
  #files = 0;
  #bytes = 0;
  #byKernel = 0;

  constructor(options: TreeHashOptions) {
    this.#options = options;
  }

  async run(fd: number): Promise<TreeSummary> {
    const root = await this.#entry(pathIn(fd), '.', 0);
    const rootHash = `sha256:${root.toString('hex')}`;
    return { rootHash, entries: this.#entries, files: this.#files, bytes: this.#bytes, byKernel: this.#byKernel };
  }

  /** `place` is where it is opened, `path` what messages and `onEntry` call it. Only the top's is a link, in /proc. */
  async #entry(place: BytePath, path: string, depth: number): Promise<Buffer> {
    this.#throwIfAborted(path);
    try {
      const stat = depth === 0 ? await fs.stat(place) : await fs.lstat(place);
      if (depth === 0) this.#device = stat.dev;
      if (stat.isDirectory()) return await this.#directory(place, path, depth);
      if (stat.isFile()) return await this.#file(place, path, depth);
      const attributes = depth === 0 || stat.isSymbolicLink() ? [] : attributesAt(place);
      const body = await bodyOf(stat, place);
      return this.#done(path, sha256(headerOf(stat, attributes), body, attributesDigest(attributes)));
    } catch (error) {
      throw told(error, path);
    }
  }

  async #directory(place: BytePath, path: string, depth: number): Promise<Buffer> {
    if (depth > MAX_DEPTH) throw failed(path, `it is more than ${MAX_DEPTH} directories deep`);
    const handle = await fs.open(place, O.DIRECTORY | (depth === 0 ? 0 : O.NOFOLLOW));
    try {
      const stat = await handle.stat();
      if (stat.dev !== this.#device) throw failed(path, 'another file system is mounted there');
      const attributes = attributesOf(handle.fd);
      const hash = createHash('sha256').update(headerOf(stat, attributes));
      for (const name of await sortedNames(handle.fd, path)) {
        const child = path === '.' ? name.toString() : `${path}/${name.toString()}`;
        const length = Buffer.alloc(2);
        length.writeUInt16LE(name.length);
        const digest = await this.#entry(pathIn(handle.fd, name), child, depth + 1);
        hash.update(length).update(name).update(digest);
      }
      return this.#done(path, hash.update(attributesDigest(attributes)).digest());
    } finally {
      await handle.close();
    }
  }

  async #file(place: BytePath, path: string, depth: number): Promise<Buffer> {
    // Should it have become a FIFO meanwhile, opening it must not wait for a writer.
    const handle = await fs.open(place, fs.constants.O_NONBLOCK | (depth === 0 ? 0 : O.NOFOLLOW));
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw failed(path, 'it was swapped while it was looked at');
      const content = this.#measured(handle.fd) ?? (await this.#read(handle, path));
      const attributes = attributesOf(handle.fd);
      this.#files += 1;
      return this.#done(path, sha256(headerOf(stat, attributes), content, attributesDigest(attributes)));
    } finally {
      await handle.close();
    }
  }

  #measured(fd: number): Buffer | undefined {
    const measurement = measureVerity(fd);
    if (measurement?.algorithm !== FS_VERITY_SHA256) return undefined;
    this.#byKernel += 1;
    return measurement.digest;
  }

  async #read(handle: fs.FileHandle, path: string): Promise<Buffer> {
    const digest = new FileDigest();
    for (;;) {
      this.#throwIfAborted(path);
      const length = await fill(handle, this.#piece);
      digest.update(this.#piece.subarray(0, length));
      this.#bytes += length;
      this.#options.onBytes?.(length);
      if (length < PIECE_BYTES) return digest.digest();
    }
  }

  #done(path: string, digest: Buffer): Buffer {
    this.#entries += 1;
    this.#options.onEntry?.(path, digest);
    return digest;
  }

  #throwIfAborted(path: string): void {
    if (this.#options.signal?.aborted === true) throw new CribError('CANCELLED', `hashing ${path}: it was given up`);
  }
}

/** As many bytes as there are, up to all of `piece`: only the last piece of a file is shorter. */
async function fill(handle: fs.FileHandle, piece: Buffer): Promise<number> {
  for (let length = 0; ; ) {
    const { bytesRead } = await handle.read(piece, length, piece.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === piece.length) return length;
  }
}

const TYPES: readonly (readonly [string, (stat: Stats) => boolean])[] = [
  ['d', (stat) => stat.isDirectory()],
  ['f', (stat) => stat.isFile()],
  ['l', (stat) => stat.isSymbolicLink()],
  ['c', (stat) => stat.isCharacterDevice()],
  ['b', (stat) => stat.isBlockDevice()],
  ['p', (stat) => stat.isFIFO()],
  ['s', (stat) => stat.isSocket()],
];

/** Type, whether it has attributes, mode, owner: 12 bytes. */
function headerOf(stat: Stats, attributes: Attributes): Buffer {
  const header = Buffer.alloc(12);
  const type = TYPES.find(([, is]) => is(stat))?.[0] ?? '?';
  header.write(type, 0, 'latin1');
  header.writeUInt8(attributes.length === 0 ? 0 : 1, 1);
  header.writeUInt16LE(stat.mode & 0o7777, 2);
  header.writeUInt32LE(stat.uid, 4);
  header.writeUInt32LE(stat.gid, 8);
  return header;
}

/** Of what is neither a directory nor a file. */
async function bodyOf(stat: Stats, place: BytePath): Promise<Buffer> {
  if (stat.isSymbolicLink()) return fs.readlink(place, 'buffer');
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return Buffer.alloc(0);
  const { major, minor } = splitDevice(stat.rdev);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(major, 0);
  numbers.writeUInt32LE(minor, 4);
  return numbers;
}

function failed(path: string, why: string, cause?: unknown): CribError {
  return new CribError('FAILED_PRECONDITION', `hashing ${path}: ${why}`, { cause });
}

function told(error: unknown, path: string): CribError {
  if (error instanceof CribError) return error;
  // What fs-verity answers to a read of changed bytes.
  if (errnoName(error) === 'EIO')
    return new CribError('DATA_LOSS', `hashing ${path}: ${messageOf(error)}`, { cause: error });
  return failed(path, messageOf(error), error);
}
