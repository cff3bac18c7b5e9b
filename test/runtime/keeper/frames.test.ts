import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from '../../../runtime/keeper/frames.js';

test('messages come out whole, however the bytes are cut', () => {
  const messages = [{ a: 'ü' }, { b: [1, 2, 3] }, {}];
  const bytes = Buffer.concat(messages.map(encodeFrame));
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new FrameReader();
    const read: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(read, messages);
  }
});

test('a hostile length is refused before anything is kept, and so is what is no object', () => {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(MAX_FRAME_BYTES + 1);
  assert.throws(() => new FrameReader().push(header), { code: 'INVALID_ARGUMENT' });
  for (const text of ['[]', 'null', '1', '{', '']) {
    const frame = Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
    assert.throws(() => new FrameReader().push(frame), { code: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => encodeFrame({ text: 'x'.repeat(MAX_FRAME_BYTES) }), { code: 'RESOURCE_EXHAUSTED' });
});
