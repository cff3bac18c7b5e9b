import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService();
const stop = (timeout: bigint, containerId = 'c') => client.runtime.stopContainer({ containerId, timeout });

test('seconds are milliseconds, 0 kills, and the longest is one that a timer takes', async () => {
  await stop(3n);
  await stop(0n);
  await stop(2n ** 63n - 1n);
  assert.deepEqual(asked.slice(0, 2), [
    ['stopContainer', 'c', 3000],
    ['stopContainer', 'c', 0],
  ]);
  assert.ok(Number(asked[2]?.[2]) < 2 ** 31);
});

test('neither less than nothing nor nobody', async () => {
  await assert.rejects(stop(-1n), refused(/^timeout is -1/));
  await assert.rejects(stop(1n, ''), refused(/^container_id/));
});
