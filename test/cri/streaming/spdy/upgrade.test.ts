import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execRequest, spdyHeaders, startStreaming, upgrade } from '../../../support/streaming.js';

const URL_OF = async (check: (url: () => string) => Promise<void>) => {
  const { server, stop } = await startStreaming();
  await check(() => server.urlFor(execRequest(['true'])));
  await stop();
};

test('the first of the client’s protocols that is known is answered', () =>
  URL_OF(async (url) => {
    const { status, headers } = await upgrade(
      url(),
      spdyHeaders('v9.channel.k8s.io', 'v3.channel.k8s.io', 'v4.channel.k8s.io'),
    );
    assert.equal(status, 101);
    assert.equal(headers.upgrade, 'SPDY/3.1');
    assert.equal(headers['x-stream-protocol-version'], 'v3.channel.k8s.io');
  }));

test('no protocol in common: 403, with those that there are', () =>
  URL_OF(async (url) => {
    const { status, headers, body } = await upgrade(url(), spdyHeaders('v9.channel.k8s.io'));
    assert.equal(status, 403);
    assert.match(String(headers['x-accepted-stream-protocol-versions']), /v4\.channel\.k8s\.io, v3\.channel\.k8s\.io/);
    assert.match(body, /v9\.channel\.k8s\.io/);
  }));

test('no protocol named, or another upgrade: 400', () =>
  URL_OF(async (url) => {
    const unnamed = await upgrade(url(), { Connection: 'Upgrade', Upgrade: 'SPDY/3.1' });
    assert.equal(unnamed.status, 400);
    assert.match(unnamed.body, /X-Stream-Protocol-Version/);
    assert.equal((await upgrade(url(), { Connection: 'Upgrade', Upgrade: 'h2c' })).status, 400);
  }));
