import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, MAX_CONTROL_BYTES } from '../../../../cri/streaming/spdy/frame-reader.js';
import { dataHeader, ping, rstStream, synStream, windowUpdate } from '../../../../cri/streaming/spdy/frame-writer.js';
import type { Frame } from '../../../../cri/streaming/spdy/frames.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('frames come whole, however their bytes come', () => {
  const bytes = Buffer.concat([
    synStream(1, Buffer.from('block'), false),
    ping(1),
    rstStream(1, 5),
    windowUpdate(1, 9),
  ]);
  const whole = [...new FrameReader().read(bytes)];
  assert.equal(whole.length, 4);
  const reader = new FrameReader();
  const single: Frame[] = [];
  for (const byte of bytes) single.push(...reader.read(Buffer.from([byte])));
  assert.deepEqual(single, whole);
});

test('data comes in the pieces that are there, its end with the last', () => {
  const reader = new FrameReader();
  const first = [...reader.read(Buffer.concat([dataHeader(1, 5, true), Buffer.from('ab')]))];
  assert.deepEqual(first, [{ type: 'data', streamId: 1, data: Buffer.from('ab'), fin: false }]);
  const rest = [...reader.read(Buffer.concat([Buffer.from('cde'), ping(1)]))];
  assert.deepEqual(rest, [
    { type: 'data', streamId: 1, data: Buffer.from('cde'), fin: true },
    { type: 'ping', id: 1 },
  ]);
});

test('types that are not known are passed over; reserved bits do not count', () => {
  assert.deepEqual(
    [...new FrameReader().read(hex('8003000a 00000002 ffff 80030006 00000004 00000003'))],
    [{ type: 'ping', id: 3 }],
  );
  assert.deepEqual(
    [...new FrameReader().read(hex('80030009 00000008 80000001 80000009'))],
    [{ type: 'window-update', streamId: 1, delta: 9 }],
  );
});

const BROKEN: readonly (readonly [what: string, bytes: string])[] = [
  ['another version', '80020006 00000004 00000001'],
  ['data for stream 0', '00000000 00000001 00'],
  ['SYN_STREAM for stream 0', '80030001 0000000a 00000000 00000000 0000'],
  ['SYN_STREAM that is cut off', '80030001 00000008 00000001 00000000'],
  ['RST_STREAM that is cut off', '80030003 00000004 00000001'],
  ['PING that is empty', '80030006 00000000'],
  ['SETTINGS that promise more than there is', '80030004 00000004 ffffffff'],
  ['SETTINGS with a window over 2^31', '80030004 0000000c 00000001 00000007 80000000'],
  ['a control frame that is too long', `80030001 00${(MAX_CONTROL_BYTES + 1).toString(16).padStart(6, '0')}`],
];
for (const [what, bytes] of BROKEN) {
  test(`refused: ${what}`, () => {
    assert.throws(() => [...new FrameReader().read(hex(bytes))], { name: 'SpdyError' });
  });
}
