import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type ConnectionOptions, SpdyConnection } from '../../../../cri/streaming/spdy/connection.js';
import { FrameReader } from '../../../../cri/streaming/spdy/frame-reader.js';
import {
  dataHeader,
  goAway,
  ping,
  rstStream,
  settings,
  synStream,
  windowUpdate,
} from '../../../../cri/streaming/spdy/frame-writer.js';
import type { Frame } from '../../../../cri/streaming/spdy/frames.js';
import { HeaderEncoder } from '../../../../cri/streaming/spdy/header-block.js';
import type { SpdyStream } from '../../../../cri/streaming/spdy/stream.js';
import { bytesOf, spdyOver } from '../../../support/streaming.js';
import { until } from '../../../support/until.js';

/** Two sockets that are connected. */
async function sockets(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const near = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [far] = await once(server, 'connection');
  server.close();
  return [near, far];
}

function serve(transport: Duplex, options: Partial<ConnectionOptions> = {}) {
  const streams: SpdyStream[] = [];
  const defaults = { idleTimeoutMs: 60_000, maxStreams: 10 };
  const onStream = (stream: SpdyStream) => streams.push(stream) > 0;
  const connection = new SpdyConnection({ transport, role: 'server', ...defaults, onStream, ...options });
  return { connection, streams };
}

/** A peer that sends and gets frames as it likes. */
async function rawPeer(options: Partial<ConnectionOptions> = {}) {
  const [near, far] = await sockets();
  const frames: Frame[] = [];
  const reader = new FrameReader();
  near.on('error', () => {});
  near.on('data', (chunk) => frames.push(...reader.read(chunk)));
  return { near, frames, ...serve(far, options) };
}

test('streams carry data both ways, with their headers', async () => {
  const [near, far] = await sockets();
  const { streams, connection } = serve(far);
  const client = spdyOver(near);
  const opened = await Promise.all([1, 2, 3].map((index) => client.open(new Map([['index', String(index)]]))));
  assert.deepEqual(
    streams.map(({ headers }) => headers.get('index')),
    ['1', '2', '3'],
  );
  for (const stream of streams) stream.pipe(stream);
  const sent = Buffer.alloc(300_000, 'x');
  for (const stream of opened) stream.end(sent);
  for (const got of await Promise.all(opened.map((stream) => bytesOf(stream)))) assert.ok(got.equals(sent));
  await Promise.all([client.close(), once(connection.signal, 'abort')]);
});

test('closing lets out what was written, and resets what is open', async () => {
  const [near, far] = await sockets();
  const { streams, connection } = serve(far);
  const client = spdyOver(near);
  const [first, second] = [await client.open(new Map()), await client.open(new Map())];
  const reset = once(second, 'reset');
  const got = bytesOf(first);
  streams[0]?.end(Buffer.alloc(1_000_000));
  await once(streams[0] as SpdyStream, 'finish');
  await connection.close();
  assert.equal((await got).length, 1_000_000);
  await reset;
  await assert.rejects(client.open(new Map()), /over/);
});

test('answers PING, and not its own kind', async () => {
  const { near, frames } = await rawPeer();
  near.write(Buffer.concat([ping(7), ping(2)]));
  await until(() => frames.length > 0, 'the answer');
  near.write(ping(9));
  await until(() => frames.length > 1, 'the next answer');
  assert.deepEqual(frames, [
    { type: 'ping', id: 7 },
    { type: 'ping', id: 9 },
  ]);
  near.destroy();
});

test('refuses streams over the limit, one-way streams, and those that come after a GOAWAY', async () => {
  const { near, frames } = await rawPeer({ maxStreams: 1 });
  const encoder = new HeaderEncoder();
  const open = (id: number) => synStream(id, encoder.encode(new Map()), false);
  near.write(Buffer.concat([open(1), open(3), rstStream(1, 5)]));
  const oneWay = open(5);
  oneWay.writeUInt8(2, 4);
  near.write(Buffer.concat([oneWay, goAway(0, 0), open(7)]));
  await until(() => frames.length === 4, 'all are answered');
  assert.deepEqual(
    frames.map((frame) => ('streamId' in frame ? `${frame.type} ${frame.streamId}` : frame.type)),
    ['syn-reply 1', 'rst-stream 3', 'rst-stream 5', 'rst-stream 7'],
  );
  near.destroy();
});

test('broken frames end the session with a GOAWAY, and everything in it', async () => {
  const encoder = new HeaderEncoder();
  const open = (id: number) => synStream(id, encoder.encode(new Map()), false);
  for (const bytes of [
    Buffer.from('800200060000000400000001', 'hex'),
    synStream(3, Buffer.from('no zlib'), false),
    Buffer.concat([open(5), open(3)]),
    synStream(2, Buffer.alloc(0), false),
  ]) {
    const { near, frames, connection } = await rawPeer();
    near.write(bytes);
    await until(() => connection.signal.aborted && near.readableEnded, 'the session ends');
    assert.deepEqual(frames.at(-1)?.type, 'goaway');
    near.destroy();
  }
});

test('tells a peer that counts windows what was read, also of streams that are closed', async () => {
  const { near, frames, streams } = await rawPeer();
  near.write(Buffer.concat([settings(65536), synStream(1, new HeaderEncoder().encode(new Map()), false)]));
  await until(() => streams.length === 1, 'the stream');
  const data = Buffer.concat([dataHeader(1, 40_000, false), Buffer.alloc(40_000)]);
  near.write(data);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(frames.filter(({ type }) => type === 'window-update').length, 0, 'nobody has read it');
  streams[0]?.resume();
  await until(() => frames.filter(({ type }) => type === 'window-update').length === 2, 'stream and session');
  streams[0]?.destroy();
  near.write(data);
  await until(() => frames.filter(({ type }) => type === 'window-update').length === 3, 'the session alone');
  near.destroy();
});

test('a stream that nobody reads stops its peer; the peer’s death is seen all the same', {
  timeout: 60_000,
}, async () => {
  const { near, streams, connection } = await rawPeer({ pingIntervalMs: 50 });
  near.write(synStream(1, new HeaderEncoder().encode(new Map()), false));
  await until(() => streams.length === 1, 'the stream');
  let sent = 0;
  const frame = Buffer.concat([dataHeader(1, 60_000, false), Buffer.alloc(60_000)]);
  while (near.write(frame) || near.writableLength < 1_000_000) {
    sent += frame.length;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(sent < 100_000_000, 'everything is read into memory');
  }
  near.destroy();
  await once(connection.signal, 'abort');
});

test('a peer that sends PINGs and reads nothing is not read any more', async () => {
  let written = 0;
  let asked = 0;
  const flood = Buffer.concat(Array.from({ length: 5000 }, () => ping(1)));
  const transport = new Duplex({
    read() {
      asked++;
      setImmediate(() => this.push(flood));
    },
    write: (chunk: Buffer) => {
      written += chunk.length;
    },
  });
  const { connection } = serve(transport);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(transport.writableLength < 2_000_000, `${transport.writableLength} bytes of answers wait`);
  assert.ok(asked < 100, `${asked} reads after ${written} bytes`);
  connection.destroy();
  await once(connection.signal, 'abort');
});

test('an idle session ends', async () => {
  const { near, connection } = await rawPeer({ idleTimeoutMs: 100 });
  for (let index = 0; index < 4; index++) {
    near.write(ping(1));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.equal(connection.signal.aborted, false, 'frames keep it');
  await once(connection.signal, 'abort');
});

test('a transport that breaks ends the session', async () => {
  const transport = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => callback() });
  const { connection } = serve(transport);
  transport.destroy(new Error('ECONNRESET'));
  await once(connection.signal, 'abort');
});

test('a peer that sent more than our window, and counts its own, is not waited for while it is not read', async () => {
  const { near, frames, streams, connection } = await rawPeer();
  near.write(synStream(1, new HeaderEncoder().encode(new Map()), false));
  await until(() => streams.length === 1, 'the stream is open');
  near.write(Buffer.concat([windowUpdate(1, 1), windowUpdate(0, 1)]));
  const piece = Buffer.alloc(32 * 1024, 'x');
  for (let sent = 0; sent < 10; sent++) near.write(Buffer.concat([dataHeader(1, piece.length, sent === 9), piece]));
  const [stream] = streams;
  stream?.pipe(stream);
  let echoed = 0;
  const heard = () => {
    for (const frame of frames.splice(0)) {
      if (frame.type !== 'data' || frame.data.length === 0) continue;
      echoed += frame.data.length;
      near.write(Buffer.concat([windowUpdate(1, frame.data.length), windowUpdate(0, frame.data.length)]));
    }
    return echoed === 10 * piece.length;
  };
  await until(heard, 'everything comes back');
  connection.destroy();
  near.destroy();
});

test('one that keeps to our window is read on when it has used it up, so that its updates are heard', async () => {
  const { near, frames, streams, connection } = await rawPeer();
  near.write(synStream(1, new HeaderEncoder().encode(new Map()), false));
  await until(() => streams.length === 1, 'the stream is open');
  for (let sent = 0; sent < 64 * 1024; sent++) near.write(Buffer.concat([dataHeader(1, 1, false), Buffer.from('x')]));
  near.write(ping(1));
  await until(
    () => frames.some((frame) => frame.type === 'ping' && frame.id === 1),
    'it is answered, though nobody reads the stream',
  );
  assert.equal(streams[0]?.readableLength ?? 0, 0);
  connection.destroy();
  near.destroy();
});
