/**
 * Header blocks: name-value pairs, compressed with one zlib stream per direction of a session, which begins with the
 * SPDY dictionary. A block is therefore read in the order in which it came, and none may be skipped.
 */

import zlib from 'node:zlib';
import { DICTIONARY, DICTIONARY_ID } from './dictionary.js';
import { type Headers, SpdyError } from './frames.js';

/** Bytes of one inflated block. The headers of Kubernetes are under 200. */
export const MAX_BLOCK_BYTES = 16 * 1024;
const MAX_HEADERS = 64;

/** The empty stored block of Z_SYNC_FLUSH: Go's inflater hands out nothing of a block before the next one begins. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);

/**
 * Writes blocks as deflate's "stored" blocks: valid zlib that any inflater reads, without a compressor's 260 KiB of
 * memory per session and without its asynchrony. What a server sends is an empty block of 4 bytes.
 */
export class HeaderEncoder {
  private begun = false;

  encode(headers: Headers): Buffer {
    const raw = serialize(headers);
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(raw.length, 1);
    stored.writeUInt16LE(~raw.length & 0xffff, 3);
    const parts = this.begun ? [stored, raw, FLUSH] : [zlibHeader(), stored, raw, FLUSH];
    this.begun = true;
    return Buffer.concat(parts);
  }
}

/** Deflate with a 32 KiB window, preset dictionary; the two bytes together are a multiple of 31 (RFC 1950). */
function zlibHeader(): Buffer {
  const header = Buffer.from([0x78, 0x20, 0, 0, 0, 0]);
  header.writeUInt32BE(DICTIONARY_ID, 2);
  return header;
}

function serialize(headers: Headers): Buffer {
  const parts: Buffer[] = [uint32(headers.size)];
  for (const [name, value] of headers) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(uint32(bytes.length), bytes);
    }
  }
  const raw = Buffer.concat(parts);
  if (raw.length > MAX_BLOCK_BYTES)
    throw new SpdyError(`headers of ${raw.length} bytes: ${MAX_BLOCK_BYTES} is the most`);
  return raw;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Reads blocks. One `decode` at a time; after it threw, the zlib stream is lost and the session must end. */
export class HeaderDecoder {
  private readonly inflate = zlib.createInflate({ dictionary: DICTIONARY, flush: zlib.constants.Z_SYNC_FLUSH });
  private parts: Buffer[] = [];
  private bytes = 0;
  private fail: (error: Error) => void = () => {};

  constructor() {
    this.inflate.on('error', (error) => this.fail(new SpdyError(`a header block does not inflate: ${error.message}`)));
    // A last block: nothing can follow it.
    this.inflate.on('end', () => this.inflate.destroy());
    this.inflate.on('data', (part: Buffer) => {
      this.parts.push(part);
      this.bytes += part.length;
      if (this.bytes <= MAX_BLOCK_BYTES) return;
      this.fail(new SpdyError(`a header block inflates to more than ${MAX_BLOCK_BYTES} bytes`));
      this.inflate.destroy();
    });
  }

  /** Throws SpdyError for a block that is malformed, too large, or does not end where its frame does. */
  async decode(block: Buffer): Promise<Headers> {
    this.parts = [];
    this.bytes = 0;
    await new Promise<void>((resolve, reject) => {
      this.fail = reject;
      if (this.inflate.destroyed) reject(new SpdyError('the header compression of this session is broken'));
      this.inflate.write(block, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    }).catch((error: unknown) => {
      throw error instanceof SpdyError ? error : new SpdyError(`a header block does not inflate: ${String(error)}`);
    });
    return parse(Buffer.concat(this.parts));
  }

  close(): void {
    this.inflate.destroy();
  }
}

function parse(raw: Buffer): Headers {
  let offset = 0;
  const number = (): number => {
    if (offset + 4 > raw.length) throw new SpdyError('a header block is cut off');
    const value = raw.readUInt32BE(offset);
    offset += 4;
    return value;
  };
  const text = (): string => {
    const length = number();
    if (length > raw.length - offset) throw new SpdyError('a header block is cut off');
    offset += length;
    return raw.toString('utf8', offset - length, offset);
  };
  const count = number();
  if (count > MAX_HEADERS) throw new SpdyError(`${count} headers in a block: ${MAX_HEADERS} is the most`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = text();
    if (name === '' || name !== name.toLowerCase()) throw new SpdyError('a header name is empty or not lower-case');
    if (headers.has(name)) throw new SpdyError('a header name is there twice');
    headers.set(name, text());
  }
  if (offset !== raw.length) throw new SpdyError('a header block has bytes after its last header');
  return headers;
}
