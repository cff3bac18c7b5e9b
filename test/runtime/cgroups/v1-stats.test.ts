/** On plain files in place of cgroupfs; those of a real one are in cgroups.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statsV1 } from '../../../runtime/cgroups/v1-stats.js';
import { controlFiles } from './control-files.js';
import { NO_V1, realV1 } from './real-v1.js';

/** PAGE_COUNTER_MAX in bytes: "no limit". */
const UNLIMITED = '9223372036854771712';
const STAT = (limit: string, sum: string) =>
  `cache 1\nrss 2\ninactive_file 3\npgfault 4\nhierarchical_memory_limit ${limit}\nhierarchical_memsw_limit ${sum}\n` +
  'total_cache 10\ntotal_rss 20\ntotal_swap 5\ntotal_pgfault 40\ntotal_pgmajfault 4\ntotal_inactive_file 300\n';
const FILES = {
  'cpuacct/cpuacct.usage': '18446744073709551615\n',
  'memory/memory.stat': STAT('4096', '6144'),
  'memory/memory.usage_in_bytes': '1000\n',
  'memory/memory.limit_in_bytes': '4096\n',
  'pids/pids.current': '3\n',
};

test('figures are those of the whole subtree, CPU time to the last nanosecond', async (t) => {
  const { root } = controlFiles(t, FILES);
  const stats = await statsV1((controller) => `${root}/${controller}`);
  assert.ok(stats !== undefined);
  const { timestamp, ...rest } = stats;
  assert.ok(timestamp > 1_600_000_000_000_000_000n && timestamp % 1_000_000n === 0n);
  assert.deepEqual(rest, {
    cpuUsageNs: 18_446_744_073_709_551_615n,
    memoryUsage: 1000,
    memoryWorkingSet: 700,
    memoryRss: 20,
    memoryLimit: 4096,
    pageFaults: 40,
    majorPageFaults: 4,
    swapUsage: 5,
    swapLimit: 2048,
    pids: 3,
    pressure: { cpu: undefined, memory: undefined, io: undefined },
  });
});

test('no limit is none, of memory and of swap', async (t) => {
  const files = controlFiles(t, { ...FILES, 'memory/memory.limit_in_bytes': `${UNLIMITED}\n` });
  files.put({ 'memory/memory.stat': STAT(UNLIMITED, UNLIMITED), 'memory/memory.usage_in_bytes': '100\n' });
  const read = () => statsV1((controller) => `${files.root}/${controller}`);
  const stats = await read();
  assert.deepEqual([stats?.memoryLimit, stats?.swapLimit, stats?.memoryWorkingSet], [0, undefined, 0]);
  // Without swap accounting there is no memsw limit, and no swap.
  files.put({ 'memory/memory.stat': 'total_rss 20\nhierarchical_memory_limit 4096\n' });
  assert.equal((await read())?.swapLimit, 0);
});

test('one hierarchy is enough for an answer, none is no cgroup', async (t) => {
  const { root } = controlFiles(t, { 'cpuacct/cpuacct.usage': '7\n' });
  assert.equal((await statsV1((controller) => `${root}/${controller}`))?.cpuUsageNs, 7n);
  assert.equal((await statsV1((controller) => (controller === 'cpuacct' ? `${root}/cpuacct` : undefined)))?.pids, 0);
  assert.equal(await statsV1((controller) => `${root}/none/${controller}`), undefined);
  assert.equal(await statsV1(() => undefined), undefined);
});

test('a real cgroup has no limit until it has one', { skip: NO_V1 }, async (t) => {
  const { cgroups, base, directoryOf } = await realV1(t);
  assert.equal((await statsV1(directoryOf))?.memoryLimit, 0);
  const { NO_RESOURCES } = await import('../../support/configs.js');
  await cgroups.apply(base, { ...NO_RESOURCES, memoryLimit: 8 << 20, memorySwapLimit: 12 << 20 });
  const stats = await statsV1(directoryOf);
  assert.deepEqual([stats?.memoryLimit, stats?.swapLimit], [8 << 20, 4 << 20]);
});
