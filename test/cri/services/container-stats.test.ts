import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService, viewOfContainer } from '../../support/fake-service.js';

const view = (id: string) => ({
  container: viewOfContainer(id),
  cgroup: undefined,
  nanoCores: undefined,
  writableLayer: { timestamp: 5n, mountpoint: '/m', usedBytes: 4096, inodesUsed: 1 },
});
const { client, asked } = await startFakeService({
  containerStats: async (id: string) => view(id),
  listContainerStats: async () => [view('a'), view('b')],
});

test('one, and what of it is not known is left out rather than 0', async () => {
  const { stats } = await client.runtime.containerStats({ containerId: 'c' });
  assert.equal(stats?.attributes?.id, 'c');
  assert.equal(stats?.writableLayer?.usedBytes?.value, 4096n);
  assert.equal(stats?.cpu?.usageCoreNanoSeconds, undefined);
  await assert.rejects(client.runtime.containerStats({ containerId: '' }), refused(/^container_id/));
});

test('list and stream give the same, by the same filter', async () => {
  const filter = { podSandboxId: 'p', labelSelector: { app: 'web' } };
  const { stats } = await client.runtime.listContainerStats({ filter });
  const streamed = [];
  for await (const part of client.runtime.streamContainerStats({ filter })) streamed.push(...part.containerStats);
  assert.deepEqual(streamed, stats);
  assert.deepEqual(
    stats.map(({ attributes }) => attributes?.id),
    ['a', 'b'],
  );
  const wanted = ['listContainerStats', { podId: 'p', labels: { app: 'web' } }];
  assert.deepEqual(asked.slice(-2), [wanted, wanted]);
});
