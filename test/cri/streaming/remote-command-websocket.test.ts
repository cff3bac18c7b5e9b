import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { execRequest, socketClient, startStreaming } from '../../support/streaming.js';
import { until } from '../../support/until.js';

const V5 = 'v5.channel.k8s.io';
let streaming: Awaited<ReturnType<typeof startStreaming>>;
before(async () => {
  streaming = await startStreaming();
});
after(() => streaming.stop());

const exec = (command: string[], streams = {}) => streaming.server.urlFor(execRequest(command, streams));
const failing = ['sh', '-c', 'echo out; echo err >&2; exit 3'];

for (const protocol of [V5, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io']) {
  test(`${protocol}: output, and the exit code as a Status`, async () => {
    const client = await socketClient(exec(failing), protocol);
    assert.equal(client.protocol, protocol);
    assert.equal(await client.closed, 1000);
    assert.deepEqual([String(client.received(1)), String(client.received(2))], ['out\n', 'err\n']);
    const status = JSON.parse(String(client.received(3)));
    assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '3' }]);
  });
}

for (const protocol of ['v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io']) {
  test(`${protocol}: output, and the exit code as text`, async () => {
    const client = await socketClient(exec(failing), protocol);
    await client.closed;
    assert.equal(String(client.received(1)), 'out\n');
    assert.match(String(client.received(3)), / 3$/);
  });
}

test('a client that names no protocol gets the first version', async () => {
  const client = await socketClient(exec(['echo', 'hello']));
  await client.closed;
  assert.deepEqual([client.protocol, String(client.received(1)), client.received(3).length], ['', 'hello\n', 0]);
});

test('the first of the client’s protocols that is known is taken; none is an error', async () => {
  assert.equal((await socketClient(exec(['true']), 'v9.channel.k8s.io', 'channel.k8s.io')).protocol, 'channel.k8s.io');
  const socket = new WebSocket(exec(['true']), ['v9.channel.k8s.io']);
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode)).on('error', () => {});
  });
  assert.equal(status, 403);
});

test('version 5 ends stdin with a message', async () => {
  const client = await socketClient(exec(['cat'], { stdin: true }), V5);
  client.socket.send(Buffer.from('\0through'));
  client.socket.send(Buffer.from([255, 0]));
  assert.equal(await client.closed, 1000);
  assert.equal(String(client.received(1)), 'through');
  assert.equal(JSON.parse(String(client.received(3))).status, 'Success');
});

test('the first message says that the session is there', async () => {
  const socket = new WebSocket(exec(['sleep', '1000'], { stdout: false }), [V5]);
  const first = await new Promise<Buffer>((resolve) => socket.once('message', resolve));
  assert.deepEqual([...first], [2]);
  socket.terminate();
});

test('terminal sizes come on channel 4', async () => {
  const client = await socketClient(exec(['cat'], { stdin: true, tty: true, stderr: false }), V5);
  client.socket.send(Buffer.from('\x04{"Width":102,"Height":32}'));
  await until(() => streaming.sessions.sizes.some(({ width }) => width === 102), 'the size arrives');
  client.socket.send(Buffer.from([255, 0]));
  await client.closed;
});

test('the process of a client that is gone is killed', async () => {
  const running = streaming.sessions.running();
  const client = await socketClient(exec(['sleep', '1000']), V5);
  await until(() => streaming.sessions.running() === running + 1, 'the process runs');
  client.socket.terminate();
  await until(() => streaming.sessions.running() === running, 'the process is gone');
});

test('a message may be large; a process that does not read holds up its client', async () => {
  const client = await socketClient(exec(['sh', '-c', 'sleep 1; cat'], { stdin: true }), V5);
  const piece = randomBytes(1024 * 1024);
  const messages = [...Array.from({ length: 20 }, () => piece), Buffer.concat(Array.from({ length: 20 }, () => piece))];
  for (const message of messages) client.socket.send(Buffer.concat([Buffer.alloc(1), message]));
  client.socket.send(Buffer.from([255, 0]));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const waiting = client.socket.bufferedAmount;
  assert.ok(waiting > 20 * 1024 * 1024, `${waiting} bytes wait at the client: the rest was read before it was wanted`);
  await client.closed;
  assert.ok(client.received(1).equals(Buffer.concat(messages)));
});
