/** Reading the body of an answer: chunk by chunk or whole, with a limit on silence and on size. */

import type { IncomingMessage } from 'node:http';
import { networkFailure, RegistryFailure } from './failure.js';

/**
 * The body's chunks. Only silence while a chunk is wanted counts, not a slow reader. Leaving the loop early
 * destroys the connection. Throws a RegistryFailure when the connection breaks or stalls.
 */
export async function* chunksOf(what: string, response: IncomingMessage, stallMs: number): AsyncGenerator<Buffer> {
  let wanted = true;
  const stalled = (): void => {
    if (!wanted) return;
    response.destroy(new RegistryFailure('UNAVAILABLE', `${what}: no byte for ${stallMs} ms`, { retryable: true }));
  };
  const timer = setTimeout(stalled, stallMs);
  try {
    for await (const chunk of response) {
      wanted = false;
      if (Buffer.isBuffer(chunk)) yield chunk;
      wanted = true;
      timer.refresh();
    }
  } catch (error) {
    throw networkFailure(what, error);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

/** The whole body, or undefined when it is larger than `maxBytes`. */
export async function readBody(
  what: string,
  response: IncomingMessage,
  maxBytes: number,
  stallMs: number,
): Promise<Buffer | undefined> {
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.destroy();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(what, response, stallMs)) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
