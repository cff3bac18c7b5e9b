import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { createWebSocketStream, WebSocket } from 'ws';
import type { SpdyConnection } from '../../../cri/streaming/spdy/connection.js';
import {
  bytesOf,
  everything,
  openStream,
  spdyClient,
  spdyHeaders,
  spdyOver,
  startStreaming,
  upgrade,
} from '../../support/streaming.js';
import { until } from '../../support/until.js';

const PROTOCOL = 'portforward.k8s.io';
let streaming: Awaited<ReturnType<typeof startStreaming>>;
let echo: net.Server;
let port = '';
before(async () => {
  streaming = await startStreaming();
  echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  port = String((echo.address() as net.AddressInfo).port);
});
after(async () => {
  await streaming.stop();
  echo.close();
});

const url = () => streaming.server.urlFor({ kind: 'portforward', podId: 'p1', ports: [] });

async function pair(connection: SpdyConnection, to: string, requestid: string) {
  const error = await openStream(connection, 'error', { port: to, requestid });
  error.end();
  return { error, data: await openStream(connection, 'data', { port: to, requestid }) };
}

test('many connections to several ports in one session, each with its own end', async () => {
  const connection = await spdyClient(url(), PROTOCOL);
  const refused = await pair(connection, '1', 'refused');
  assert.match(await everything(refused.error), /error forwarding port 1 to pod p1: .*ECONNREFUSED/);
  const connections = Array.from({ length: 50 }, async (_, index) => {
    const { data, error } = await pair(connection, port, String(index));
    const sent = randomBytes(100_000);
    data.end(sent);
    const [got, said] = await Promise.all([bytesOf(data), everything(error)]);
    assert.ok(got.equals(sent));
    assert.equal(said, '');
  });
  await Promise.all(connections);
  assert.equal(connection.signal.aborted, false, 'one that fails does not end the session');
  connection.destroy();
});

test('the pod’s end reaches the client while the client may still send', async () => {
  const server = net.createServer({ allowHalfOpen: true }, async (socket) => {
    socket.end('bye');
    received.push(String(await buffer(socket)));
  });
  const received: string[] = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = await spdyClient(url(), PROTOCOL);
  const { data } = await pair(connection, String((server.address() as net.AddressInfo).port), '0');
  assert.equal(await everything(data), 'bye');
  data.end('still here');
  await until(() => received[0] === 'still here', 'the pod got it');
  connection.destroy();
  server.close();
});

test('a reset of the data stream closes the connection in the pod, a lost client all of them', async () => {
  const open = () => new Promise<number>((resolve) => echo.getConnections((_error, count) => resolve(count)));
  const connection = await spdyClient(url(), PROTOCOL);
  const first = await pair(connection, port, '0');
  await pair(connection, port, '1');
  while ((await open()) !== 2) await new Promise((resolve) => setTimeout(resolve, 10));
  first.data.destroy();
  while ((await open()) !== 1) await new Promise((resolve) => setTimeout(resolve, 10));
  connection.destroy();
  while ((await open()) !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
});

test('clients without request ids: the data stream follows its error stream', async () => {
  const connection = await spdyClient(url(), PROTOCOL);
  await openStream(connection, 'error', { port });
  const data = await openStream(connection, 'data', { port });
  data.end('x');
  assert.equal(await everything(data), 'x');
  connection.destroy();
});

test('streams that belong to no pair are refused', async () => {
  const connection = await spdyClient(url(), PROTOCOL);
  for (const bad of ['', '0', '65536', '-1', '80x']) {
    await assert.rejects(openStream(connection, 'data', { port: bad, requestid: '0' }), /refused/, bad);
  }
  await assert.rejects(openStream(connection, 'stdin', { port, requestid: '0' }), /refused/);
  await openStream(connection, 'error', { port, requestid: '1' });
  await assert.rejects(openStream(connection, 'error', { port, requestid: '1' }), /refused/);
  await assert.rejects(openStream(connection, 'data', { port: '1', requestid: '1' }), /refused/);
  connection.destroy();
});

test('half a pair is told so in time', async () => {
  const own = await startStreaming({ idleMs: 60_000, creationMs: 50 });
  const connection = await spdyClient(own.server.urlFor({ kind: 'portforward', podId: 'p1', ports: [] }), PROTOCOL);
  const error = await openStream(connection, 'error', { port, requestid: '7' });
  assert.match(await everything(error), /request 7: its other stream did not come/);
  assert.equal(connection.signal.aborted, false);
  connection.destroy();
  await own.stop();
});

test('the same in a WebSocket', async () => {
  const socket = await tunnel(url());
  const connection = spdyOver(createWebSocketStream(socket));
  const { data, error } = await pair(connection, port, '0');
  const sent = randomBytes(1_000_000);
  data.end(sent);
  assert.ok((await bytesOf(data)).equals(sent));
  assert.equal(await everything(error), '');
  socket.terminate();
});

/**
 * ws's client refuses to name a protocol that is no token, and an answer that it did not ask for: the header is put in
 * behind its back, and the answer taken out.
 */
async function tunnel(target: string): Promise<WebSocket> {
  const { port, hostname } = new URL(target);
  const connection = net.connect(Number(port), hostname);
  const push = connection.push;
  connection.push = (chunk: Buffer | null) => {
    connection.push = push;
    const answer = /Sec-WebSocket-Protocol: SPDY\/3\.1\+portforward\.k8s\.io\r\n/;
    assert.match(String(chunk), answer);
    return connection.push(Buffer.from(String(chunk).replace(answer, '')));
  };
  const socket = new WebSocket(target, [], {
    createConnection: () => connection,
    headers: { 'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io' },
  });
  await once(socket, 'open');
  return socket;
}

test('no protocol but portforward.k8s.io', async () => {
  assert.equal((await upgrade(url(), spdyHeaders('v4.channel.k8s.io'))).status, 403);
});
