/**
 * The blobs of an OCI image layout, and `ingest/`, where they grow: what a killed pull has of one is taken up by the
 * next. A blob has its name only when its digest was right.
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { sha256 } from './manifest.js';

const KEEP_MS = 24 * 3600_000;
/** Bytes of unfinished blobs that a start leaves for the next pull, the newest first. */
const KEEP_INGEST = 4 * 2 ** 30;

export class BlobStore {
  readonly #blobs: string;
  readonly #ingest: string;
  readonly #sizes = new Map<string, number>();

  /** `root` is the directory of the image layout. */
  constructor(root: string) {
    this.#blobs = path.join(root, 'blobs', 'sha256');
    this.#ingest = path.join(root, 'ingest');
  }

  /** Reads what is there; what no image refers to goes when it is a day old. */
  async open(referenced: ReadonlySet<string>): Promise<void> {
    await fs.promises.mkdir(this.#blobs, { recursive: true });
    await fs.promises.mkdir(this.#ingest, { recursive: true, mode: 0o700 });
    for (const name of await fs.promises.readdir(this.#blobs)) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const digest = `sha256:${name}`;
      const stat = await fs.promises.stat(this.pathOf(digest));
      if (referenced.has(digest) || Date.now() - stat.mtimeMs < KEEP_MS) this.#sizes.set(digest, stat.size);
      else await fs.promises.unlink(this.pathOf(digest));
    }
    await this.#boundIngest();
  }

  has(digest: string): boolean {
    return this.#sizes.has(digest);
  }

  pathOf(digest: string): string {
    return path.join(this.#blobs, hexOf(digest));
  }

  /** Where the blob grows until `publish`. */
  ingestPathOf(digest: string): string {
    return path.join(this.#ingest, hexOf(digest));
  }

  /** Bytes and number of all blobs. */
  get totals(): { bytes: number; count: number } {
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += Math.ceil(size / 4096) * 4096;
    return { bytes, count: this.#sizes.size };
  }

  /** A small blob's bytes; undefined when it is missing, or damaged, which removes it. */
  async read(digest: string): Promise<Buffer | undefined> {
    if (!this.has(digest)) return undefined;
    try {
      const body = await fs.promises.readFile(this.pathOf(digest));
      if (sha256(body) === digest) return body;
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    }
    await this.drop(digest);
    return undefined;
  }

  /** Stores a small blob. Throws DATA_LOSS when the bytes are not those of the digest. */
  async put(digest: string, body: Buffer): Promise<void> {
    if (sha256(body) !== digest)
      throw new CribError('DATA_LOSS', `store blob ${digest}: the bytes have another digest`);
    const temporary = `${this.ingestPathOf(digest)}.small-${process.pid}-${Math.random().toString(36).slice(2)}`;
    try {
      await fs.promises.writeFile(temporary, body);
      await fs.promises.rename(temporary, this.pathOf(digest));
    } catch (error) {
      await fs.promises.rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    this.#sizes.set(digest, body.length);
  }

  /** The ingested file is whole and has the right digest. */
  async publish(digest: string, size: number): Promise<void> {
    await fs.promises.rename(this.ingestPathOf(digest), this.pathOf(digest));
    this.#sizes.set(digest, size);
  }

  /** Removes a blob, finished or not. */
  async drop(digest: string): Promise<void> {
    this.#sizes.delete(digest);
    await fs.promises.rm(this.pathOf(digest), { force: true });
    await fs.promises.rm(this.ingestPathOf(digest), { force: true });
  }

  /** Removes the blobs that `keep` denies; asked and removed in one turn of the event loop. */
  sweep(keep: (digest: string) => boolean): void {
    for (const digest of [...this.#sizes.keys()]) {
      if (keep(digest)) continue;
      fs.rmSync(this.pathOf(digest), { force: true });
      this.#sizes.delete(digest);
    }
  }

  async #boundIngest(): Promise<void> {
    const files = await Promise.all(
      (await fs.promises.readdir(this.#ingest)).map(async (name) => {
        const file = path.join(this.#ingest, name);
        return { file, name, stat: await fs.promises.stat(file) };
      }),
    );
    let kept = 0;
    for (const { file, name, stat } of files.sort((a, b) => b.stat.mtimeMs - a.stat.mtimeMs)) {
      const fresh = /^[0-9a-f]{64}$/.test(name) && Date.now() - stat.mtimeMs < KEEP_MS;
      if (fresh) kept += stat.size;
      if (!fresh || kept > KEEP_INGEST) await fs.promises.rm(file, { recursive: true, force: true });
    }
  }
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
