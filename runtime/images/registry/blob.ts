/** A blob as a stream that survives broken connections. */

import { Readable } from 'node:stream';
import { CribError } from '../../errors.js';
import type { Descriptor } from '../registry-types.js';
import { chunksOf } from './body.js';
import type { Endpoint } from './endpoint.js';
import type { Answer, Exchange } from './exchange.js';
import { RegistryFailure } from './failure.js';
import type { RetryPolicy, Rotation } from './rotation.js';

export interface BlobRequest {
  readonly exchange: Exchange;
  readonly rotation: Rotation;
  /** Called with each failure, before the next endpoint is asked. */
  readonly onFailure: (endpoint: Endpoint, error: unknown) => void;
  readonly policy: RetryPolicy;
  readonly repository: string;
  readonly descriptor: Descriptor;
  readonly offset: number;
  readonly signal: AbortSignal;
}

/** Opens the stream; settles when the first bytes are there, so that a missing blob rejects. */
export async function openBlob(request: BlobRequest): Promise<Readable> {
  const { size } = request.descriptor;
  const { offset, signal } = request;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `blob ${request.descriptor.digest}: ${offset} is no offset in ${size} bytes`,
    );
  }
  if (offset === size) return Readable.from([], { objectMode: false });
  const abort = new AbortController();
  const chunks = blobChunks({ ...request, signal: AbortSignal.any([signal, abort.signal]) });
  const first = await chunks.next();
  return new BlobStream(chunks, first, abort);
}

/**
 * Readable.from would wait for the next chunk before it could be destroyed; this one ends the connection at once. In
 * object mode chunks stay as they are: a byte stream would copy them together.
 */
class BlobStream extends Readable {
  readonly #chunks: AsyncGenerator<Buffer>;
  readonly #abort: AbortController;
  #first: IteratorResult<Buffer> | undefined;

  constructor(chunks: AsyncGenerator<Buffer>, first: IteratorResult<Buffer>, abort: AbortController) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#chunks = chunks;
    this.#first = first;
    this.#abort = abort;
  }

  override _read(): void {
    const first = this.#first;
    this.#first = undefined;
    const next = first === undefined ? this.#chunks.next() : Promise.resolve(first);
    next.then(
      ({ done, value }) => this.push(done === true ? null : value),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#abort.abort();
    // Queued behind a pending next(), which the abort ends.
    this.#chunks.return(undefined).catch(() => undefined);
    callback(error);
  }
}

/** The bytes from `offset` to the end, from whichever endpoint has them. */
async function* blobChunks(request: BlobRequest): AsyncGenerator<Buffer> {
  const { rotation, descriptor, signal } = request;
  let position = request.offset;
  while (position < descriptor.size) {
    const endpoint = await rotation.next(signal);
    const before = position;
    try {
      for await (const chunk of attempt(request, endpoint, position)) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (position > before) rotation.progressed();
      rotation.failed(endpoint, error, signal);
      request.onFailure(endpoint, error);
    }
  }
}

/** What one endpoint gives from `position` on; throws unless that is exactly the rest. */
async function* attempt(request: BlobRequest, endpoint: Endpoint, position: number): AsyncGenerator<Buffer> {
  const { exchange, policy, repository, descriptor, signal } = request;
  const path = `/${repository}/blobs/${descriptor.digest}`;
  const ask = (from: number) => exchange.ask(endpoint, { path, from, verified: true }, signal);
  let answer = await ask(position);
  if (answer.status === 416) {
    // Or what was got before would be in the way of every later pull, where a cache has the blob but no ranges of it.
    answer.response.destroy();
    answer = await ask(0);
  }
  let skip: number;
  try {
    skip = bytesToSkip(answer, position, descriptor.size);
  } catch (error) {
    answer.response.destroy();
    throw error;
  }
  let received = position - skip;
  for await (const chunk of chunksOf(answer.what, answer.response, policy.stallMs)) {
    received += chunk.length;
    if (received > descriptor.size) throw wrongSize(answer, `more than the ${descriptor.size} bytes of its descriptor`);
    const rest = skip < chunk.length ? chunk.subarray(skip) : undefined;
    skip = Math.max(0, skip - chunk.length);
    if (rest !== undefined) yield rest;
  }
  // A body without a length can also end early because a proxy on the way lost its connection.
  if (received < descriptor.size) throw wrongSize(answer, `${received} of ${descriptor.size} bytes`, true);
}

/** How many bytes of the body come before `position`: all of them where the registry knows no ranges. */
function bytesToSkip(answer: Answer, position: number, size: number): number {
  const { status, response } = answer;
  const length = response.headers['content-length'];
  if (status === 200) {
    if (length !== undefined && Number(length) !== size) {
      throw wrongSize(answer, `${length} bytes, but its descriptor says ${size}`);
    }
    return position;
  }
  const range = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(response.headers['content-range'] ?? '');
  if (range === null || Number(range[1]) > position) {
    throw wrongSize(answer, `another range than the one from ${position} on that was asked for`);
  }
  if (range[3] !== '*' && Number(range[3]) !== size) {
    throw wrongSize(answer, `${range[3]} bytes, but its descriptor says ${size}`);
  }
  return position - Number(range[1]);
}

function wrongSize({ what }: Answer, got: string, retryable = false): RegistryFailure {
  return new RegistryFailure('DATA_LOSS', `${what}: the registry sent ${got}`, { retryable });
}
