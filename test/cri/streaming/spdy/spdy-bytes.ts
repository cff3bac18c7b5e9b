/** Bytes that a SPDY peer could send: real frames, broken ones, and noise. */

import fc from 'fast-check';
import * as write from '../../../../cri/streaming/spdy/frame-writer.js';
import { HeaderEncoder } from '../../../../cri/streaming/spdy/header-block.js';

const id = fc.oneof(fc.nat({ max: 8 }), fc.constantFrom(0x7fffffff, 0));
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
const word = fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(0xffffffff, 0x80000000, 0x7fffffff, 65536));
const name = fc.constantFrom('streamtype', 'port', 'requestid', 'Port', '');
const value = fc.oneof(fc.constantFrom('error', 'data', 'stdin', 'stdout', 'resize', '80', '0'), fc.string());
/** As the first block of a session, or of one that has begun. */
const block = fc.tuple(fc.dictionary(name, value, { maxKeys: 3 }), fc.boolean()).map(([headers, begun]) => {
  const encoder = new HeaderEncoder();
  if (begun) encoder.encode(new Map());
  return encoder.encode(new Map(Object.entries(headers)));
});
const control = fc
  .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), bytes, fc.constantFrom(0, 0, 0, 1, 0xffff00))
  .map(([type, flags, payload, longer]) => {
    const head = Buffer.from([0x80, 3, 0, type, 0, 0, 0, 0]);
    head.writeUInt32BE((payload.length + longer) & 0xffffff, 4);
    head.writeUInt8(flags, 4);
    return Buffer.concat([head, payload]);
  });
const frame = fc.oneof(
  fc.tuple(id, fc.oneof(block, bytes), fc.boolean()).map((parts) => write.synStream(...parts)),
  fc.tuple(id, block).map((parts) => write.synReply(...parts)),
  fc
    .tuple(id, bytes, fc.boolean())
    .map(([to, data, fin]) => Buffer.concat([write.dataHeader(to, data.length, fin), data])),
  id.map((to) => write.rstStream(to, 5)),
  word.map((window) => write.settings(window)),
  word.map((number) => write.ping(number)),
  id.map((last) => write.goAway(last, 0)),
  fc.tuple(id, word).map((parts) => write.windowUpdate(...parts)),
  control,
  bytes,
);

export const spdyBytes = fc.array(frame, { maxLength: 12 }).map((frames) => Buffer.concat(frames));
