/** From frames to bytes: one function a frame. */

import {
  FLAG_FIN,
  FRAME_TYPE,
  type GoAwayStatus,
  type RstStatus,
  SETTINGS_INITIAL_WINDOW_SIZE,
  VERSION,
} from './frames.js';

/** The header alone: the data is written after it, uncopied. `length` is under 2^24. */
export function dataHeader(streamId: number, length: number, fin: boolean): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(streamId);
  header.writeUInt32BE(length, 4);
  if (fin) header.writeUInt8(FLAG_FIN, 4);
  return header;
}

export function synStream(streamId: number, block: Buffer, fin: boolean): Buffer {
  // No associated stream, priority 0 (the highest), no credential.
  return control(FRAME_TYPE.SYN_STREAM, fin ? FLAG_FIN : 0, [streamId, 0], Buffer.concat([Buffer.alloc(2), block]));
}

export function synReply(streamId: number, block: Buffer): Buffer {
  return control(FRAME_TYPE.SYN_REPLY, 0, [streamId], block);
}

export function rstStream(streamId: number, status: RstStatus): Buffer {
  return control(FRAME_TYPE.RST_STREAM, 0, [streamId, status]);
}

export function settings(initialWindow: number): Buffer {
  return control(FRAME_TYPE.SETTINGS, 0, [1, SETTINGS_INITIAL_WINDOW_SIZE, initialWindow]);
}

export function ping(id: number): Buffer {
  return control(FRAME_TYPE.PING, 0, [id]);
}

export function goAway(lastStreamId: number, status: GoAwayStatus): Buffer {
  return control(FRAME_TYPE.GOAWAY, 0, [lastStreamId, status]);
}

/** `streamId` 0 is the session. */
export function windowUpdate(streamId: number, delta: number): Buffer {
  return control(FRAME_TYPE.WINDOW_UPDATE, 0, [streamId, delta]);
}

function control(type: number, flags: number, words: readonly number[], tail: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8 + words.length * 4);
  head.writeUInt16BE(0x8000 | VERSION);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(words.length * 4 + tail.length, 4);
  head.writeUInt8(flags, 4);
  words.forEach((word, index) => {
    head.writeUInt32BE(word, 8 + index * 4);
  });
  return Buffer.concat([head, tail]);
}
