/**
 * What the unpacker reads, in pieces that hold only until the next is asked for. By plain calls: streams cost more than
 * decompressing does. (`process` is not imported here: node:process as a module opens stdin as a stream, which makes it
 * non-blocking.)
 */

import fs from 'node:fs';
import type { Progress } from './protocol.js';

/** Bytes at a time: on a busy machine each hand-over waits for a processor. */
const PIECE = 1 << 20;
const buffer = Buffer.allocUnsafe(PIECE);

/** The pieces of a stream, to its end. */
export function* streamPieces(fd: number): Generator<Buffer, undefined> {
  for (let length = 0; ; length = 0) {
    for (let read = -1; read !== 0 && length < PIECE; length += read) {
      read = fs.readSync(fd, buffer, length, PIECE - length, null);
    }
    if (length === 0) return undefined;
    yield buffer.subarray(0, length);
  }
}

/** The pieces of a file that grows; `next` waits for the progress that is the last known now. Reads on to `whole`. */
export function* growingPieces(fd: number, next: () => Progress): Generator<Buffer, undefined> {
  let position = 0;
  for (let here = next(); ; here = next()) {
    while (position < here.bytes) {
      const read = fs.readSync(fd, buffer, 0, Math.min(PIECE, here.bytes - position), position);
      if (read === 0) throw new Error(`the layer has less than the ${here.bytes} bytes that were announced`);
      position += read;
      yield buffer.subarray(0, read);
    }
    if (here.whole) return undefined;
  }
}

/** Waits for lines on `fd` and takes them apart; of several that are there the last one counts. */
export class ProgressReader {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(1 << 16);
  #rest = '';

  constructor(fd: number) {
    this.#fd = fd;
  }

  next(): Progress {
    for (;;) {
      const read = fs.readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
      if (read === 0) throw new Error('whoever feeds the unpacker is gone');
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, read)).split('\n');
      this.#rest = lines.pop() ?? '';
      const last = lines.at(-1);
      if (last !== undefined) return JSON.parse(last) as Progress;
    }
  }
}
