/**
 * The digest of a file's content: its fs-verity file digest (Documentation/filesystems/fsverity.rst, "File digest
 * computation") with SHA-256, blocks of 4096 bytes and no salt. So where the kernel has it, nothing need be read, and
 * `fsverity digest FILE` prints the same.
 */

import { createHash } from 'node:crypto';

export const BLOCK_BYTES = 4096;
const HASH_BYTES = 32;

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The hashes of one level of the Merkle tree that have not been hashed to the next one yet. */
interface Level {
  readonly block: Buffer;
  /** Bytes of `block` that are in use. */
  used: number;
  /** Hashes that the level has had in all. */
  count: number;
}

/** Takes a file from its beginning to its end; a block for each level of the tree is all that it keeps. */
export class FileDigest {
  readonly #levels: Level[] = [];
  #size = 0;

  /** All pieces but the last have a multiple of BLOCK_BYTES. */
  update(piece: Buffer): void {
    this.#size += piece.length;
    for (let start = 0; start < piece.length; start += BLOCK_BYTES) {
      const block = piece.subarray(start, start + BLOCK_BYTES);
      this.#add(0, sha256(block, Buffer.alloc(BLOCK_BYTES - block.length)));
    }
  }

  digest(): Buffer {
    const descriptor = Buffer.alloc(256); // struct fsverity_descriptor
    descriptor.writeUInt8(1, 0); // version
    descriptor.writeUInt8(1, 1); // FS_VERITY_HASH_ALG_SHA256
    descriptor.writeUInt8(Math.log2(BLOCK_BYTES), 2);
    descriptor.writeBigUInt64LE(BigInt(this.#size), 8);
    this.#root().copy(descriptor, 16);
    return sha256(descriptor);
  }

  #add(index: number, hash: Buffer): void {
    const level = this.#level(index);
    hash.copy(level.block, level.used);
    level.used += HASH_BYTES;
    level.count += 1;
    if (level.used === BLOCK_BYTES) this.#close(index);
  }

  /** Hashes the block of a level, with zeros where it is not full, to the next one. */
  #close(index: number): void {
    const level = this.#level(index);
    level.block.fill(0, level.used);
    level.used = 0;
    this.#add(index + 1, sha256(level.block));
  }

  #level(index: number): Level {
    const level = this.#levels[index] ?? { block: Buffer.alloc(BLOCK_BYTES), used: 0, count: 0 };
    this.#levels[index] = level;
    return level;
  }

  /** The first level that has one hash alone; of an empty file, zeros. */
  #root(): Buffer {
    for (let index = 0; index < this.#levels.length; index++) {
      const level = this.#level(index);
      if (level.count === 1) return level.block.subarray(0, HASH_BYTES);
      if (level.used > 0) this.#close(index);
    }
    return Buffer.alloc(HASH_BYTES);
  }
}
