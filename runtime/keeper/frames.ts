/** Frames on the keeper's socket: a u32 (big endian) with the length of the JSON text that follows. */

import { CribError } from '../errors.js';

/** A longer frame ends the connection: nothing the protocol says is near it. */
export const MAX_FRAME_BYTES = 32 * 1024 * 1024;

const HEADER_BYTES = 4;

/** Throws RESOURCE_EXHAUSTED for a message over MAX_FRAME_BYTES. */
export function encodeFrame(message: unknown): Buffer {
  const text = JSON.stringify(message);
  const length = Buffer.byteLength(text);
  if (length > MAX_FRAME_BYTES) {
    throw new CribError('RESOURCE_EXHAUSTED', `a message of ${length} bytes to the keeper is over ${MAX_FRAME_BYTES}`);
  }
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame.write(text, HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into messages. Holds at most one frame. */
export class FrameReader {
  #parts: Buffer[] = [];
  #have = 0;

  /** The messages that are whole now. Throws INVALID_ARGUMENT on a hostile length or on what is not a JSON object. */
  push(data: Buffer): Record<string, unknown>[] {
    this.#parts.push(data);
    this.#have += data.length;
    const messages: Record<string, unknown>[] = [];
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#have < HEADER_BYTES + length) return messages;
      const all = this.#joined();
      messages.push(parse(all.subarray(HEADER_BYTES, HEADER_BYTES + length)));
      const rest = all.subarray(HEADER_BYTES + length);
      this.#parts = rest.length === 0 ? [] : [rest];
      this.#have = rest.length;
    }
  }

  /** The beginning of a frame whose end has not come. */
  get rest(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #length(): number | undefined {
    if (this.#have < HEADER_BYTES) return undefined;
    const first = this.#parts[0];
    const length = (first !== undefined && first.length >= HEADER_BYTES ? first : this.#joined()).readUInt32BE(0);
    if (length > MAX_FRAME_BYTES) {
      throw new CribError('INVALID_ARGUMENT', `a frame of ${length} bytes is over the limit of ${MAX_FRAME_BYTES}`);
    }
    return length;
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    const all = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}

function parse(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new CribError('INVALID_ARGUMENT', 'a frame is not JSON', { cause: error });
  }
  if (isObject(value)) return value;
  throw new CribError('INVALID_ARGUMENT', 'a frame is not a JSON object');
}

/** A JSON object, as opposed to null, an array or a scalar. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
