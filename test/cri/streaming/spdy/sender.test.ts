import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { FrameReader } from '../../../../cri/streaming/spdy/frame-reader.js';
import type { Frame } from '../../../../cri/streaming/spdy/frames.js';
import { Sender } from '../../../../cri/streaming/spdy/sender.js';

/** A transport that takes what it is told to. */
function slowTransport() {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  let release: (() => void) | undefined;
  const transport = new Duplex({
    highWaterMark: 1,
    read() {},
    write: (chunk: Buffer, _encoding, callback) => {
      frames.push(...reader.read(chunk));
      release = callback;
    },
  });
  const take = async () => {
    const callback = release;
    release = undefined;
    callback?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { transport, frames, take };
}

function bytesFor(frames: readonly Frame[], streamId: number): number {
  return frames.reduce((sum, f) => sum + (f.type === 'data' && f.streamId === streamId ? f.data.length : 0), 0);
}

test('streams take turns, frame by frame, and only as the transport takes them', async () => {
  const { transport, frames, take } = slowTransport();
  const sender = new Sender(transport);
  const done: number[] = [];
  for (const id of [1, 3]) sender.send(id, Buffer.alloc(100_000), true, () => done.push(id));
  assert.deepEqual(done, []);
  for (let turn = 0; turn < 100 && done.length < 2; turn++) {
    await take();
    assert.ok(Math.abs(bytesFor(frames, 1) - bytesFor(frames, 3)) <= 64 * 1024);
  }
  for (let turn = 0; turn < 10; turn++) await take();
  assert.deepEqual([bytesFor(frames, 1), bytesFor(frames, 3)], [100_000, 100_000]);
  assert.equal(frames.filter((frame) => frame.type === 'data' && frame.fin).length, 2);
});

/** A transport that takes everything. */
function fastTransport() {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  const transport = new Duplex({
    highWaterMark: 10_000_000,
    read() {},
    write: (chunk: Buffer, _encoding, callback) => {
      frames.push(...reader.read(chunk));
      callback();
    },
  });
  return { transport, frames };
}

test('a peer that never counts windows is sent everything, as moby/spdystream expects', () => {
  const { transport, frames } = fastTransport();
  const sender = new Sender(transport);
  sender.send(1, Buffer.alloc(1_000_000), false, () => {});
  assert.equal(bytesFor(frames, 1), 1_000_000);
});

test('a peer that counts is not sent more than its windows', () => {
  const { transport, frames } = fastTransport();
  const sender = new Sender(transport);
  sender.setInitialWindow(1000);
  let done = 0;
  sender.send(1, Buffer.alloc(3000), true, () => done++);
  sender.send(3, Buffer.alloc(500), true, () => done++);
  assert.deepEqual([bytesFor(frames, 1), bytesFor(frames, 3), done], [1000, 500, 1]);
  sender.addWindow(1, 1500);
  assert.equal(bytesFor(frames, 1), 2500);
  sender.setInitialWindow(1500);
  assert.deepEqual([bytesFor(frames, 1), done], [3000, 2], 'a new initial window changes the open ones too');
  sender.setInitialWindow(1_000_000);
  sender.send(5, Buffer.alloc(200_000), true, () => done++);
  assert.equal(bytesFor(frames, 5), 64 * 1024 - 3500, 'the session has a window as well');
  sender.addWindow(0, 1_000_000);
  assert.deepEqual([bytesFor(frames, 5), done], [200_000, 3]);
});

test('a window that overflows, or an update of nothing, breaks the protocol', () => {
  const sender = new Sender(fastTransport().transport);
  assert.throws(() => sender.addWindow(0, 0x7fffffff), { name: 'SpdyError' });
  assert.throws(() => sender.addWindow(1, 0), { name: 'SpdyError' });
});

test('what can no longer be sent is done with', () => {
  const { transport } = fastTransport();
  const sender = new Sender(transport);
  sender.setInitialWindow(0);
  const done: number[] = [];
  sender.send(1, Buffer.alloc(1), false, () => done.push(1));
  sender.send(3, Buffer.alloc(1), false, () => done.push(3));
  sender.drop(1);
  assert.deepEqual(done, [1]);
  transport.destroy();
  sender.close();
  sender.send(5, Buffer.alloc(1), false, () => done.push(5));
  assert.deepEqual(done, [1, 3, 5]);
});
