/**
 * One layer: from the registry, or from what an earlier pull left of it, to the blob store and to the unpacker at the
 * same time. The digest is that of the bytes as they pass; neither blob nor layer exists before it was right.
 */

import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import { CribError } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { step } from '../steps.js';
import type { BlobStore } from './blobs.js';
import type { LayerStore } from './layers.js';
import type { Descriptor, RegistrySession } from './registry-types.js';
import type { UnpackReport } from './unpack/protocol.js';
import { LayerUnpacker, type LayerUnpackTask } from './unpacker.js';
import type { UnpackerPool } from './unpacker-pool.js';

export interface LayerLimits {
  /** Bytes of one layer, uncompressed. */
  readonly maxLayerBytes: number;
  readonly maxLayerEntries: number;
  /** Uncompressed to compressed, for layers of over 1 GiB uncompressed. */
  readonly maxRatio: number;
}

export interface LayerPull {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly session: RegistrySession;
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly limits: LayerLimits;
  readonly unpackers: UnpackerPool;
  /** Where it stands among the layers of its image. */
  readonly index: number;
  readonly signal: AbortSignal;
  /** Bytes of the blob that are here, growing. */
  readonly onBytes: (bytes: number) => void;
}

export interface UnpackedLayer {
  /** Directory of LayerStore.prepare. */
  readonly prepared: string;
  readonly report: UnpackReport;
}

const READ_CHUNK = 1 << 20;
const RATIO_FREE = 2 ** 30;

/** The bytes had the wrong digest, and some of them were not fresh from the registry. */
class StaleBytes extends Error {}

/** Fetches and unpacks. Throws DATA_LOSS for a wrong digest, and what the unpacker refuses the layer with. */
export async function pullLayer(pull: LayerPull): Promise<UnpackedLayer> {
  try {
    return await attempt(pull);
  } catch (error) {
    if (!(error instanceof StaleBytes)) throw error;
    return attempt(pull);
  }
}

async function attempt(pull: LayerPull): Promise<UnpackedLayer> {
  checkSignal(pull.signal, pull.descriptor.digest);
  const { name, content } = await pull.layers.prepare();
  const { size } = pull.descriptor;
  const { maxLayerBytes, maxLayerEntries, maxRatio } = pull.limits;
  const maxBytes = Math.min(maxLayerBytes, Math.max(RATIO_FREE, size * maxRatio));
  const task = { index: pull.index, directory: content, maxBytes, maxEntries: maxLayerEntries };
  try {
    const fetch = pull.blobs.has(pull.descriptor.digest) ? fromBlob : fromRegistry;
    return { prepared: name, report: await fetch(pull, task) };
  } catch (error) {
    await step('pull-image/discard', () => pull.layers.discard(name));
    throw error;
  }
}

// An unpacker that refuses the layer does not end the transfer: only the digest of the whole tells a hostile layer from
// bytes that were damaged on the way. `finish` throws what it was refused with.

/**
 * A blob that is damaged or has gone is fetched anew. One that is right but has another size than the manifest says stays:
 * it is another image's too, and that one's manifest was true.
 */
async function fromBlob(pull: LayerPull, task: LayerUnpackTask): Promise<UnpackReport> {
  const file = await openBlob(pull.blobs, pull.descriptor.digest);
  try {
    return await unpacking(pull, task, file, (unpacker) => verify(file, pull, unpacker));
  } finally {
    await file.close();
  }
}

async function verify(file: fs.FileHandle, pull: LayerPull, unpacker: LayerUnpacker): Promise<void> {
  const { blobs, descriptor, signal, onBytes } = pull;
  const { digest, size } = descriptor;
  const hash = crypto.createHash('sha256');
  let read = 0;
  for await (const chunk of pieces(file, (await file.stat()).size)) {
    checkSignal(signal, digest);
    read += chunk.length;
    hash.update(chunk);
    await unpacker.write(chunk);
  }
  if (`sha256:${hash.digest('hex')}` !== digest) {
    await blobs.drop(digest);
    throw new StaleBytes();
  }
  if (read !== size) {
    throw new CribError('DATA_LOSS', `pull layer ${digest}: it has ${read} bytes, the manifest says ${size}`);
  }
  onBytes(size);
}

async function openBlob(blobs: BlobStore, digest: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(blobs.pathOf(digest), 'r');
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
    await blobs.drop(digest);
    throw new StaleBytes();
  }
}

async function fromRegistry(pull: LayerPull, task: LayerUnpackTask): Promise<UnpackReport> {
  const ingest = pull.blobs.ingestPathOf(pull.descriptor.digest);
  const file = await fs.open(ingest, 'a+', 0o600);
  try {
    const source = await fs.open(ingest, 'r');
    try {
      return await unpacking(pull, task, source, (unpacker) => ingestInto(file, pull, unpacker));
    } finally {
      await source.close();
    }
  } finally {
    await file.close();
  }
}

async function ingestInto(file: fs.FileHandle, pull: LayerPull, unpacker: LayerUnpacker): Promise<void> {
  const { blobs, descriptor, onBytes } = pull;
  const hash = crypto.createHash('sha256');
  let resumed = (await file.stat()).size;
  if (resumed > descriptor.size) {
    await file.truncate(0);
    resumed = 0;
  }
  for await (const chunk of pieces(file, resumed)) {
    hash.update(chunk);
    await unpacker.write(chunk);
  }
  onBytes(resumed);
  const total = await download(pull, resumed, async (chunk) => {
    hash.update(chunk);
    await writeAll(file, chunk);
    await unpacker.write(chunk);
  });
  if (total === descriptor.size && `sha256:${hash.digest('hex')}` === descriptor.digest) {
    return step('pull-image/blob', () => blobs.publish(descriptor.digest, descriptor.size));
  }
  await blobs.drop(descriptor.digest);
  if (resumed > 0) throw new StaleBytes();
  throw new CribError(
    'DATA_LOSS',
    `pull layer ${descriptor.digest}: the registry sent other bytes than this digest has`,
  );
}

/** Unpacks `source` while `fetch` brings the bytes there. Whatever fails, the unpacker is gone before that is thrown. */
async function unpacking(
  { unpackers, descriptor, diffId, signal }: LayerPull,
  task: LayerUnpackTask,
  source: fs.FileHandle,
  fetch: (unpacker: LayerUnpacker) => Promise<void>,
): Promise<UnpackReport> {
  const unpacker = new LayerUnpacker(unpackers, task, source.fd);
  try {
    await fetch(unpacker);
    const finished = step('pull-image/report', () => unpacker.finish());
    const report = await abortable(finished, signal, descriptor.digest);
    if (report.diffId === diffId) return report;
    throw new CribError(
      'DATA_LOSS',
      `unpack layer ${descriptor.digest}: uncompressed it is ${report.diffId}, the image configuration says ${diffId}`,
    );
  } catch (error) {
    await unpacker.kill();
    throw error;
  }
}

/** Returns the number of bytes there are now. */
async function download(pull: LayerPull, offset: number, take: (chunk: Buffer) => Promise<void>): Promise<number> {
  const { descriptor, session, signal, onBytes } = pull;
  if (offset === descriptor.size) return offset;
  const stream = await session.blob(descriptor, offset, signal);
  let total = offset;
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      total += bytes.length;
      if (total > descriptor.size) break;
      await take(bytes);
      onBytes(total);
    }
  } finally {
    stream.destroy();
  }
  checkSignal(signal, descriptor.digest);
  return total;
}

async function* pieces(file: fs.FileHandle, length: number): AsyncIterable<Buffer> {
  for (let position = 0; position < length; ) {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(READ_CHUNK),
      0,
      Math.min(READ_CHUNK, length - position),
      position,
    );
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The file is open for appending, so that what was there stays. */
async function writeAll(file: fs.FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
}

/** Throws CANCELLED where it has fired. */
export function checkSignal(signal: AbortSignal, digest: string): void {
  if (signal.aborted) throw new CribError('CANCELLED', `pull layer ${digest}: cancelled`);
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal, digest: string): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new CribError('CANCELLED', `pull layer ${digest}: cancelled`));
  });
  signal.addEventListener('abort', abort, { once: true });
  work.catch(() => undefined); // where the signal has fired already, nobody else hears of its failure
  try {
    checkSignal(signal, digest);
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
