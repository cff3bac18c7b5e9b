/**
 * Decompresses gzip (RFC 1952), several members one after the other. The first one, of which almost every layer consists,
 * without its checksum: the layer's digest says more, and a CRC of each byte is a twentieth of what a pull takes.
 */

import zlib from 'node:zlib';
import { CribError, messageOf } from '../../errors.js';
import { errnoName } from '../../linux/libc.js';

/** Bytes that are decompressed at a time. */
const CHUNK = 1 << 20;
const HEADER = 10;
/** CRC and length at the end of a member. */
const TRAILER = 8;
const FLAG_NAME = 8;
const NOTHING = Buffer.alloc(0);

/** What of the input has not been read; a piece holds until the next is asked for. */
class Rest {
  readonly #more: Iterator<Buffer, undefined>;
  #left: Buffer;

  constructor(head: Buffer, more: Iterator<Buffer, undefined>) {
    this.#left = head;
    this.#more = more;
  }

  /** undefined: there is no more. */
  next(): Buffer | undefined {
    if (this.#left.length === 0) return this.#more.next().value;
    const piece = this.#left;
    this.#left = piece.subarray(piece.length);
    return piece;
  }

  /** Puts back the end of the last piece. */
  putBack(left: Buffer): void {
    this.#left = left;
  }

  skip(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      const piece = this.next();
      if (piece === undefined) return;
      this.putBack(piece.subarray(left));
      left -= Math.min(left, piece.length);
    }
  }
}

/** Hands what `head` and `more` are on to `take`, decompressed. Throws DATA_LOSS where they are damaged. */
export async function gunzip(
  head: Buffer,
  more: Iterator<Buffer, undefined>,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const rest = new Rest(head, more);
  const header = headerLength(head);
  if (header > 0) {
    rest.skip(header);
    await decompress(zlib.createInflateRaw({ chunkSize: CHUNK }), rest, take);
    rest.skip(TRAILER);
  }
  const next = rest.next();
  if (next === undefined || next[0] === 0) return; // zeros may pad it
  rest.putBack(next);
  await decompress(zlib.createGunzip({ chunkSize: CHUNK }), rest, take);
}

/** Of the header that compressors write: without a comment and other extras. 0: it is another one. */
function headerLength(head: Buffer): number {
  const flags = head[3] ?? 0xff;
  if (head.length < HEADER || head[2] !== 8 || (flags & ~FLAG_NAME) !== 0) return 0;
  return flags === 0 ? HEADER : head.indexOf(0, HEADER) + 1;
}

/** The pool decompresses the next chunk while this thread takes the last one. */
async function decompress(
  unzip: zlib.InflateRaw | zlib.Gunzip,
  rest: Rest,
  take: (chunk: Buffer) => void,
): Promise<void> {
  let piece: Buffer | undefined;
  let before = 0;
  const left = (): Buffer => piece?.subarray(unzip.bytesWritten - before) ?? NOTHING;
  const feed = (): void => {
    before = unzip.bytesWritten;
    piece = rest.next();
    if (piece === undefined) unzip.end();
    // What is left over is behind the end of what was decompressed.
    else unzip.write(piece, (error) => (error || left().length > 0 ? undefined : feed()));
  };
  feed();
  try {
    for await (const chunk of unzip) take(chunk as Buffer);
  } catch (error) {
    const damaged = errnoName(error)?.startsWith('Z_') === true;
    if (!damaged) throw error;
    throw new CribError('DATA_LOSS', `decompress a layer: ${messageOf(error)}; the image must be built anew`, {
      cause: error,
    });
  }
  rest.putBack(left());
}
