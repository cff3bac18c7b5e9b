import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { listHeader, refuse, switchProtocols, wantsUpgradeTo } from '../../../cri/streaming/http.js';

const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;

test('lists in headers', () => {
  assert.deepEqual(listHeader(request({ a: 'v4.channel.k8s.io, , v3.channel.k8s.io' }), 'a'), [
    'v4.channel.k8s.io',
    'v3.channel.k8s.io',
  ]);
  assert.deepEqual(listHeader(request({}), 'a'), []);
  assert.equal(wantsUpgradeTo(request({ upgrade: 'SPDY/3.1' }), 'spdy/3.1'), true);
  assert.equal(wantsUpgradeTo(request({ upgrade: 'h2c' }), 'spdy/3.1'), false);
});

test('a refusal is a whole answer and the end', async () => {
  const socket = new PassThrough();
  refuse(socket, 404, 'no such token', ['X-More: 1']);
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\nX-More: 1\r\n/);
  assert.match(answer, /\r\nContent-Length: 14\r\n\r\nno such token\n$/);
});

test('an upgrade is answered with 101', () => {
  const socket = new PassThrough();
  switchProtocols(socket, 'SPDY/3.1', ['X-More: 1']);
  const answer = String(socket.read());
  assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY\/3\.1\r\n/);
  assert.match(answer, /\r\nX-More: 1\r\n\r\n$/);
});
