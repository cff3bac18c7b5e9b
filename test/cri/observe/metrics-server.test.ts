import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMetricsServer } from '../../../cri/observe/metrics-server.js';
import { Registry } from '../../../cri/observe/registry.js';

test('answers GET /metrics on loopback, and nothing else', async (context) => {
  const registry = new Registry();
  registry.counter('c_total', 'A counter').add({});
  const server = await startMetricsServer('0', registry);
  context.after(() => server.close());
  assert.match(server.address, /^127\.0\.0\.1:\d+$/);
  const response = await fetch(`http://${server.address}/metrics?x=1`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await response.text(), /^c_total 1$/m);
  assert.equal((await fetch(`http://${server.address}/`)).status, 404);
  assert.equal((await fetch(`http://${server.address}/metrics`, { method: 'POST' })).status, 405);
});

test('a metric that cannot be read fails the scrape, not the server', async (context) => {
  const registry = new Registry();
  let broken = true;
  registry.sampled('gauge', 'g', 'A gauge', () => {
    if (broken) throw new Error('cannot be read');
    return [];
  });
  const server = await startMetricsServer('[::1]:0', registry);
  context.after(() => server.close());
  assert.match(server.address, /^\[::1\]:\d+$/);
  assert.equal((await fetch(`http://${server.address}/metrics`)).status, 500);
  broken = false;
  assert.equal((await fetch(`http://${server.address}/metrics`)).status, 200);
});

test('a port that there is not is said by the name of its key', async () => {
  await assert.rejects(startMetricsServer('127.0.0.1:99999', new Registry()), {
    code: 'INVALID_ARGUMENT',
    message: 'metrics.address 127.0.0.1:99999: there is no port 99999',
  });
});

test('an address that is taken is said by its name', async (context) => {
  const first = await startMetricsServer('127.0.0.1:0', new Registry());
  context.after(() => first.close());
  await assert.rejects(startMetricsServer(first.address, new Registry()), {
    code: 'INVALID_ARGUMENT',
    message: /metrics\.address .*EADDRINUSE/,
  });
});
