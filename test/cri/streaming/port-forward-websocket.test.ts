import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { socketClient, startStreaming } from '../../support/streaming.js';
import { until } from '../../support/until.js';

let streaming: Awaited<ReturnType<typeof startStreaming>>;
let echo: net.Server;
let port = 0;
before(async () => {
  streaming = await startStreaming();
  echo = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => socket.end(`got ${data}`));
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  port = (echo.address() as net.AddressInfo).port;
});
after(async () => {
  await streaming.stop();
  echo.close();
});

const url = (...ports: number[]) => streaming.server.urlFor({ kind: 'portforward', podId: 'p1', ports });

for (const [protocol, message] of [
  ['v4.channel.k8s.io', Buffer.from('\x02ping')],
  ['v4.base64.channel.k8s.io', `2${Buffer.from('ping').toString('base64')}`],
] as const) {
  test(`${protocol}: a pair of channels a port, each begun with the port`, async () => {
    const client = await socketClient(url(1, port), protocol);
    await until(() => client.received(1).length > 2, 'the first port is refused');
    assert.deepEqual([...client.received(0)], [1, 0]);
    assert.equal(client.received(1).readUInt16LE(), 1);
    assert.match(String(client.received(1)), /error forwarding port 1 to pod p1/);
    client.socket.send(message);
    assert.equal(await client.closed, 1000, 'it ends when each connection has');
    assert.equal(client.received(2).readUInt16LE(), port);
    assert.equal(String(client.received(2).subarray(2)), 'got ping');
    assert.equal(client.received(3).length, 2);
  });
}

test('a request without ports is refused', async () => {
  const socket = new WebSocket(url(), ['v4.channel.k8s.io']);
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode)).on('error', () => {});
  });
  assert.equal(status, 400);
});
