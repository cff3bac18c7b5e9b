/** From bytes to frames. Holds at most one control frame's bytes; data goes through in pieces as they come. */

import {
  FLAG_FIN,
  FLAG_UNIDIRECTIONAL,
  FRAME_TYPE,
  type Frame,
  MAX_INT31,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SpdyError,
  VERSION,
} from './frames.js';

const HEADER_BYTES = 8;
/** Bytes of a control frame's payload. The longest real one opens a stream, in about 150. */
export const MAX_CONTROL_BYTES = 16 * 1024;

/** A data frame that is not yet all there. */
interface Rest {
  readonly streamId: number;
  readonly fin: boolean;
  bytes: number;
}

export class FrameReader {
  private held: Buffer = Buffer.alloc(0);
  private data: Rest | undefined;

  /** The frames that are whole with `chunk`. Throws SpdyError at the first that is none; nothing can be read then. */
  *read(chunk: Buffer): Generator<Frame, void> {
    let bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = Buffer.alloc(0);
    while (bytes.length > 0) {
      if (this.data !== undefined) {
        const piece = bytes.subarray(0, this.data.bytes);
        bytes = bytes.subarray(piece.length);
        yield this.pieceOf(this.data, piece);
        continue;
      }
      if (bytes.length < HEADER_BYTES) break;
      const length = bytes.readUInt32BE(4) & 0xffffff;
      if (bytes.readUInt8(0) < 0x80) {
        yield* this.beginData(bytes.readUInt32BE(0), bytes.readUInt8(4), length);
        bytes = bytes.subarray(HEADER_BYTES);
        continue;
      }
      if (length > MAX_CONTROL_BYTES) throw new SpdyError(`a control frame of ${length} bytes`);
      if (bytes.length < HEADER_BYTES + length) break;
      const frame = controlFrame(bytes.subarray(0, HEADER_BYTES), bytes.subarray(HEADER_BYTES, HEADER_BYTES + length));
      bytes = bytes.subarray(HEADER_BYTES + length);
      if (frame !== undefined) yield frame;
    }
    // A copy, so that a small rest does not keep the large chunk that it came in.
    this.held = Buffer.from(bytes);
  }

  private *beginData(streamId: number, flags: number, length: number): Generator<Frame, void> {
    if (streamId === 0) throw new SpdyError('a data frame for stream 0');
    const fin = (flags & FLAG_FIN) !== 0;
    if (length > 0) this.data = { streamId, fin, bytes: length };
    else yield { type: 'data', streamId, data: Buffer.alloc(0), fin };
  }

  private pieceOf(rest: Rest, data: Buffer): Frame {
    rest.bytes -= data.length;
    const last = rest.bytes === 0;
    if (last) this.data = undefined;
    return { type: 'data', streamId: rest.streamId, data, fin: rest.fin && last };
  }
}

/** undefined for a type that the receiver is to ignore. */
function controlFrame(header: Buffer, payload: Buffer): Frame | undefined {
  const version = header.readUInt16BE(0) & 0x7fff;
  if (version !== VERSION) throw new SpdyError(`SPDY version ${version}; this is ${VERSION}`);
  const type = header.readUInt16BE(2);
  const flags = header.readUInt8(4);
  const read = READERS[type];
  return read?.(new Payload(payload), flags);
}

/** The payload of a control frame, from its front to its end. */
class Payload {
  constructor(private rest: Buffer) {}

  uint32(): number {
    if (this.rest.length < 4) throw new SpdyError('a control frame is cut off');
    const value = this.rest.readUInt32BE(0);
    this.rest = this.rest.subarray(4);
    return value;
  }

  int31(): number {
    return this.uint32() & MAX_INT31;
  }

  streamId(): number {
    const id = this.int31();
    if (id === 0) throw new SpdyError('a control frame for stream 0');
    return id;
  }

  skip(bytes: number): void {
    if (this.rest.length < bytes) throw new SpdyError('a control frame is cut off');
    this.rest = this.rest.subarray(bytes);
  }

  get bytes(): Buffer {
    return this.rest;
  }
}

const READERS: Readonly<Record<number, (payload: Payload, flags: number) => Frame>> = {
  [FRAME_TYPE.SYN_STREAM]: (payload, flags) => {
    const streamId = payload.streamId();
    payload.skip(6); // The stream that it belongs to, priority and credential slot: nothing here uses them.
    const unidirectional = (flags & FLAG_UNIDIRECTIONAL) !== 0;
    return { type: 'syn-stream', streamId, fin: (flags & FLAG_FIN) !== 0, unidirectional, block: payload.bytes };
  },
  [FRAME_TYPE.SYN_REPLY]: (payload, flags) => {
    return { type: 'syn-reply', streamId: payload.streamId(), fin: (flags & FLAG_FIN) !== 0, block: payload.bytes };
  },
  [FRAME_TYPE.HEADERS]: (payload, flags) => {
    return { type: 'headers', streamId: payload.streamId(), fin: (flags & FLAG_FIN) !== 0, block: payload.bytes };
  },
  [FRAME_TYPE.RST_STREAM]: (payload) => {
    return { type: 'rst-stream', streamId: payload.streamId(), status: payload.uint32() };
  },
  [FRAME_TYPE.SETTINGS]: (payload) => ({ type: 'settings', initialWindow: initialWindowOf(payload) }),
  [FRAME_TYPE.PING]: (payload) => ({ type: 'ping', id: payload.uint32() }),
  [FRAME_TYPE.GOAWAY]: (payload) => {
    return { type: 'goaway', lastStreamId: payload.int31(), status: payload.uint32() };
  },
  [FRAME_TYPE.WINDOW_UPDATE]: (payload) => {
    return { type: 'window-update', streamId: payload.int31(), delta: payload.int31() };
  },
};

function initialWindowOf(payload: Payload): number | undefined {
  let window: number | undefined;
  // The frame's length bounds the loop: a count that promises more throws.
  for (let left = payload.uint32(); left > 0; left--) {
    const id = payload.uint32() & 0xffffff;
    const value = payload.uint32();
    if (id === SETTINGS_INITIAL_WINDOW_SIZE) window = value;
  }
  if (window !== undefined && window > MAX_INT31) throw new SpdyError(`an initial window of ${window} bytes`);
  return window;
}
