import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../../../../cri/streaming/spdy/frame-reader.js';
import * as write from '../../../../cri/streaming/spdy/frame-writer.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('frames byte for byte (SPDY draft 3.1, section 2.6)', () => {
  const block = Buffer.from('xy');
  assert.deepEqual(write.synStream(1, block, true), hex('80030001 0100000c 00000001 00000000 0000 7879'));
  assert.deepEqual(write.synReply(1, block), hex('80030002 00000006 00000001 7879'));
  assert.deepEqual(write.rstStream(3, 5), hex('80030003 00000008 00000003 00000005'));
  assert.deepEqual(write.settings(65536), hex('80030004 0000000c 00000001 00000007 00010000'));
  assert.deepEqual(write.ping(2), hex('80030006 00000004 00000002'));
  assert.deepEqual(write.goAway(7, 1), hex('80030007 00000008 00000007 00000001'));
  assert.deepEqual(write.windowUpdate(0, 32768), hex('80030009 00000008 00000000 00008000'));
  assert.deepEqual(write.dataHeader(5, 3, false), hex('00000005 00000003'));
  assert.deepEqual(write.dataHeader(5, 0, true), hex('00000005 01000000'));
});

test('what is written is read', () => {
  const bytes = Buffer.concat([
    write.synStream(1, Buffer.from('b'), false),
    write.settings(5),
    write.dataHeader(1, 2, true),
    Buffer.from('hi'),
    write.goAway(1, 0),
  ]);
  assert.deepEqual(
    [...new FrameReader().read(bytes)],
    [
      { type: 'syn-stream', streamId: 1, fin: false, unidirectional: false, block: Buffer.from('b') },
      { type: 'settings', initialWindow: 5 },
      { type: 'data', streamId: 1, data: Buffer.from('hi'), fin: true },
      { type: 'goaway', lastStreamId: 1, status: 0 },
    ],
  );
});
