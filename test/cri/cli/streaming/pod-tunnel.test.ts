/** Port-forward's client over a streaming server whose pod is this machine. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { FORWARD_PROTOCOL, PodTunnel } from '../../../../cri/cli/streaming/pod-tunnel.js';
import { dialSpdy } from '../../../../cri/cli/streaming/spdy-dial.js';
import { bytesOf, startStreaming } from '../../../support/streaming.js';

async function listening(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A tunnel, how often it has dialled, and an echo server behind it. */
async function start() {
  const streaming = await startStreaming();
  let dials = 0;
  const tunnel = new PodTunnel(() => {
    dials += 1;
    return dialSpdy(streaming.server.urlFor({ kind: 'portforward', podId: 'p', ports: [] }), FORWARD_PROTOCOL, '');
  });
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  const port = await listening(echo);
  /** The two ends of a local connection: the client's, and what the tunnel is given. */
  const door = net.createServer({ allowHalfOpen: true });
  const doorPort = await listening(door);
  const connect = async (): Promise<[net.Socket, net.Socket]> => {
    const accepted = once(door, 'connection');
    const client = net.connect({ port: doorPort, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    const [inner]: net.Socket[] = await accepted;
    assert.ok(inner !== undefined);
    return [client, inner];
  };
  const stop = async () => {
    await tunnel.close();
    echo.close();
    door.close();
    await streaming.stop();
  };
  return { tunnel, port, connect, stop, dials: () => dials };
}

test('many connections through one session, 8 MB each way, half-closed', async () => {
  const { tunnel, port, connect, stop, dials } = await start();
  const data = Buffer.alloc(8_000_000, 'crib');
  await Promise.all(
    [await connect(), await connect(), await connect()].map(async ([client, inner]) => {
      const done = tunnel.forward(inner, port);
      client.end(data);
      assert.ok((await bytesOf(client)).equals(data));
      await done;
    }),
  );
  assert.equal(dials(), 1);
  await stop();
});

test('a refused connection is closed and says why; the next one goes through', async () => {
  const { tunnel, port, connect, stop } = await start();
  const [client, inner] = await connect();
  const closed = once(client, 'close');
  client.resume();
  await assert.rejects(tunnel.forward(inner, 1), { code: 'UNAVAILABLE', message: /port 1 .*ECONNREFUSED/ });
  client.end();
  await closed;
  const [second, secondInner] = await connect();
  void tunnel.forward(secondInner, port);
  second.end('again');
  assert.equal(String(await bytesOf(second)), 'again');
  await stop();
});

test('a lost session is opened anew, once', async () => {
  const { tunnel, port, connect, stop, dials } = await start();
  (await tunnel.connect()).destroy();
  await Promise.all(
    [await connect(), await connect()].map(async ([client, inner]) => {
      void tunnel.forward(inner, port);
      client.end('again');
      assert.equal(String(await bytesOf(client)), 'again');
    }),
  );
  assert.equal(dials(), 2);
  await stop();
  await assert.rejects(tunnel.connect(), { code: 'CANCELLED' });
});

test('a client that goes closes the pod’s side', async () => {
  const { tunnel, connect, stop } = await start();
  const pod = net.createServer();
  const port = await listening(pod);
  const accepted = once(pod, 'connection');
  const [client, inner] = await connect();
  const done = tunnel.forward(inner, port);
  const [socket]: net.Socket[] = await accepted;
  assert.ok(socket !== undefined);
  socket.resume().on('error', () => {});
  const closed = once(socket, 'close');
  client.resetAndDestroy();
  await Promise.all([closed, done]);
  pod.close();
  await stop();
});
