import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execRequest, startStreaming, upgrade } from '../../../support/streaming.js';

const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test('a handshake, and those that are none', async () => {
  const { server, stop } = await startStreaming();
  const ask = (headers: Record<string, string>, method = 'GET') =>
    upgrade(server.urlFor(execRequest(['true'])), { ...HANDSHAKE, ...headers }, method);
  const good = await ask({ 'Sec-WebSocket-Protocol': 'nonsense, v4.channel.k8s.io' });
  assert.equal(good.status, 101);
  // The example of RFC 6455, section 1.3.
  assert.equal(good.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.equal(good.headers['sec-websocket-protocol'], 'v4.channel.k8s.io');
  assert.equal((await ask({})).headers['sec-websocket-protocol'], undefined);
  assert.equal((await ask({ 'Sec-WebSocket-Protocol': 'nonsense' })).status, 403);
  assert.equal((await ask({ 'Sec-WebSocket-Version': '7' })).status, 400);
  assert.equal((await ask({ 'Sec-WebSocket-Key': 'short' })).status, 400);
  assert.equal((await ask({}, 'POST')).status, 405);
  await stop();
});
