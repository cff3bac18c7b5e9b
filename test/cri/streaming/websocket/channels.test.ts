import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { ChannelSocket } from '../../../../cri/streaming/websocket/channels.js';
import { bytesOf, everything } from '../../../support/streaming.js';
import { until } from '../../../support/until.js';

let server: WebSocketServer;
before(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
});
after(() => server.close());

async function pair(protocol = { base64: false, closeSignal: true }, idleMs = 60_000, pongMs = 5_000) {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const accepted = once(server, 'connection');
  const [socket] = await accepted;
  const channels = new ChannelSocket(socket, protocol, idleMs, pongMs);
  await once(client, 'open');
  return { client, channels };
}

test('messages go to their channels, which end on their own', async () => {
  const { client, channels } = await pair();
  const [zero, five] = [channels.reader(0), channels.reader(5)];
  client.send(Buffer.from('\0a'));
  client.send(Buffer.from('\x05b'));
  client.send(Buffer.from('\x07lost'));
  client.send(Buffer.alloc(0));
  client.send(Buffer.from([255, 0]));
  client.send(Buffer.from('\0late'));
  assert.equal(await everything(zero), 'a');
  client.send(Buffer.from('\x05c'));
  client.close();
  assert.equal(await everything(five), 'bc');
  assert.equal(channels.signal.aborted, true);
});

test('255 is a channel like any other where it is no signal', async () => {
  const { client, channels } = await pair({ base64: false, closeSignal: false });
  const reader = channels.reader(0);
  client.send(Buffer.from([255, 0]));
  client.send(Buffer.from('\0a'));
  client.close();
  assert.equal(await everything(reader), 'a');
});

test('base64 both ways; what is none ends the connection with 1007', async () => {
  const { client, channels } = await pair({ base64: true, closeSignal: false });
  const reader = channels.reader(0);
  client.send(`0${Buffer.from('hello').toString('base64')}`);
  assert.equal(String((await once(reader, 'data'))[0]), 'hello');
  void channels.send(1, Buffer.from('back'));
  assert.equal(String((await once(client, 'message'))[0]), `1${Buffer.from('back').toString('base64')}`);
  client.send('0no base64!');
  assert.equal((await once(client, 'close'))[0], 1007);
});

test('a malformed end of a channel ends the connection with 1002', async () => {
  for (const bad of [[255], [255, 0, 0]]) {
    const { client } = await pair();
    client.send(Buffer.from(bad));
    assert.equal((await once(client, 'close'))[0], 1002);
  }
});

test('what is written comes in messages of 32 KiB at most, and the close after it', async () => {
  const { client, channels } = await pair();
  const sizes: number[] = [];
  client.on('message', (data: Buffer) => sizes.push(data.length));
  const writer = channels.writer(1);
  writer.write(Buffer.alloc(100_000));
  writer.end();
  await once(writer, 'finish');
  const closed = once(client, 'close');
  await channels.close();
  assert.equal((await closed)[0], 1000);
  assert.ok(sizes.every((size) => size <= 32 * 1024 + 1));
  assert.equal(
    sizes.reduce((sum, size) => sum + size - 1, 0),
    100_000,
  );
});

test('a channel that nobody reads stops the client, whose end is seen all the same', { timeout: 60_000 }, async () => {
  const { client, channels } = await pair(undefined, undefined, 50);
  const reader = channels.reader(0);
  let sent = 0;
  while (client.bufferedAmount < 5_000_000) {
    client.send(Buffer.alloc(100_000));
    sent += 100_000;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(sent < 100_000_000, 'everything is read into memory');
  }
  assert.ok(reader.readableLength < 300_000, `${reader.readableLength} bytes in memory`);
  let pongs = 0;
  client.on('pong', () => pongs++);
  await until(() => pongs > 0, 'the client hears that we live');
  client.terminate();
  await once(channels.signal, 'abort');
  assert.equal((await bytesOf(reader)).length % 99_999, 0, 'EOF after what had come');
});

test('closing does not wait for channels that nobody reads', async () => {
  const { client, channels } = await pair();
  channels.reader(0);
  for (let index = 0; index < 100; index++) client.send(Buffer.alloc(100_000));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const closed = once(client, 'close');
  await channels.close();
  assert.equal((await closed)[0], 1000);
});

test('an idle connection ends', async () => {
  const { client } = await pair(undefined, 50);
  await once(client, 'close');
});
