import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunnel } from '../../../../cri/streaming/websocket/tunnel.js';
import { startStreaming, upgrade } from '../../../support/streaming.js';

test('tunnels are told by their prefix; only that of port-forward is there', async () => {
  assert.equal(isTunnel('SPDY/3.1+portforward.k8s.io'), true);
  assert.equal(isTunnel('v4.channel.k8s.io'), false);
  const { server, stop } = await startStreaming();
  const url = server.urlFor({ kind: 'portforward', podId: 'p1', ports: [] });
  const { status } = await upgrade(
    url,
    {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': 'SPDY/3.1+other.k8s.io',
    },
    'GET',
  );
  assert.equal(status, 403);
  await stop();
});
