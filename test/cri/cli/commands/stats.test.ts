import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stats } from '../../../../cri/cli/commands/stats.js';
import { containerConfig } from '../../../support/configs.js';
import { startFakeService, viewOfContainer } from '../../../support/fake-service.js';
import { STATS } from '../../services/metrics/measured.js';
import { invocation, printed, rowsOf } from './printed.js';

const writableLayer = { timestamp: 1n, mountpoint: '/', usedBytes: 4096, inodesUsed: 1 };
const view = (name: string, nanoCores: bigint | undefined, cgroup: object | undefined) => ({
  ...{ container: viewOfContainer(name.repeat(64), { config: containerConfig(name) }), nanoCores, cgroup },
  writableLayer: cgroup === undefined ? undefined : writableLayer,
});
const cgroup = { ...STATS, memoryWorkingSet: 12_345_678 };

test('a core is 100 %, memory is the working set, and what is not known is no zero', async (t) => {
  const list = async () => [view('a', 1_500_000_000n, cgroup), view('b', 0n, cgroup), view('c', undefined, undefined)];
  const { address } = await startFakeService({ listContainerStats: list });
  assert.deepEqual(rowsOf(await printed(t, () => stats(invocation(address)))), [
    ['a'.repeat(13), 'a', '150.0%', '12.3MB', '4.10kB'],
    ['b'.repeat(13), 'b', '0.0%', '12.3MB', '4.10kB'],
    ['c'.repeat(13), 'c', '-', '-', '-'],
  ]);
});

test('a rate needs a second look, which is taken once', async (t) => {
  let looks = 0;
  const list = async () => [view('a', ++looks > 1 ? 250_000_000n : undefined, cgroup)];
  const { address } = await startFakeService({ listContainerStats: list });
  assert.equal(rowsOf(await printed(t, () => stats(invocation(address))))[0]?.[2], '25.0%');
  assert.equal(looks, 2);
});

test('without containers there is nothing to wait for', async (t) => {
  const { address, asked } = await startFakeService({ listContainerStats: async () => [] });
  assert.equal((await printed(t, () => stats(invocation(address, true)))).stdout, '[]\n');
  assert.equal(asked.length, 1);
});
