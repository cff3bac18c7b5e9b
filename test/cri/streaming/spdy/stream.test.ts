import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { RECEIVE_BYTES, SpdyStream, type StreamLink } from '../../../../cri/streaming/spdy/stream.js';

function makeStream() {
  const sent: string[] = [];
  let consumed = 0;
  const link: StreamLink = {
    send: (_id, data, fin, done) => {
      sent.push(`${data}${fin ? '.' : ''}`);
      done();
    },
    consumed: (_id, bytes) => {
      consumed += bytes;
    },
    closed: (_id, status) => sent.push(`closed ${status}`),
  };
  return { stream: new SpdyStream(1, new Map(), link), sent, consumed: () => consumed };
}

test('each direction ends on its own', async () => {
  const { stream, sent } = makeStream();
  stream.receive(Buffer.from('in'), true);
  stream.resume();
  await once(stream, 'end');
  stream.end('out');
  await once(stream, 'close');
  assert.deepEqual(sent, ['out', '.', 'closed undefined']);
});

test('a stream without a reader gets full, and says when there is room', async () => {
  const { stream, consumed } = makeStream();
  let full: Promise<void> | undefined;
  let received = 0;
  while (full === undefined) {
    full = stream.receive(Buffer.alloc(10_000), false);
    received += 10_000;
    assert.ok(received < 2 * RECEIVE_BYTES);
  }
  let room = false;
  void full.then(() => {
    room = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(room, false);
  stream.resume();
  await full;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(consumed(), received);
});

test('many small pieces are put together: they fill it by their bytes, and come in few pieces and in order', async () => {
  const { stream } = makeStream();
  let pieces = 0;
  while (stream.receive(Buffer.from([pieces % 251]), false) === undefined) pieces++;
  assert.equal(pieces, RECEIVE_BYTES);
  void stream.receive(Buffer.alloc(0), true);
  const came: Buffer[] = [];
  stream.on('data', (data: Buffer) => came.push(data));
  await once(stream, 'end');
  assert.ok(came.length <= 2 * (RECEIVE_BYTES / 1024), `${came.length} pieces`);
  assert.ok(Buffer.concat(came).every((byte, index) => byte === index % 251));
});

test('a reset is EOF after what has come, and writing goes on into nothing', async () => {
  const { stream, sent } = makeStream();
  const reset = once(stream, 'reset');
  stream.receive(Buffer.from('in'), false);
  stream.peerReset();
  await reset;
  let text = '';
  stream.on('data', (data) => {
    text += data;
  });
  await once(stream, 'end');
  stream.end('lost');
  await once(stream, 'close');
  assert.equal(text, 'in');
  assert.deepEqual(sent, ['closed undefined']);
});

test('destroying resets the stream, unless it had ended; room is made', async () => {
  const early = makeStream();
  let full: Promise<void> | undefined;
  while (full === undefined) full = early.stream.receive(Buffer.alloc(10_000), false);
  early.stream.destroy();
  await full;
  assert.deepEqual(early.sent, ['closed 5']);
  assert.equal(early.stream.receive(Buffer.alloc(10), false), undefined);
  const late = makeStream();
  late.stream.end();
  await once(late.stream, 'finish');
  late.stream.destroy();
  assert.deepEqual(late.sent, ['.', 'closed undefined']);
  const refused = makeStream();
  refused.stream.refuse();
  assert.deepEqual(refused.sent, ['closed 3']);
});
