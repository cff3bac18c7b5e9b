/** On plain files in place of cgroupfs; those of this host's own are in cri/services/pod-metrics. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detailsV1, parseBlkio } from '../../../runtime/cgroups/v1-details.js';
import { controlFiles } from './control-files.js';

test('each figure is that of its file, in its unit', async (t) => {
  const { root } = controlFiles(t, {
    'v1/cpuacct/cpuacct.stat': 'user 5\nsystem 4\n',
    'v1/cpu/cpu.stat': 'nr_periods 3\nnr_throttled 2\nthrottled_time 1\n',
    'v1/memory/memory.stat': 'pgfault 1\npgmajfault 2\ntotal_cache 3\ntotal_mapped_file 4\ntotal_active_file 5\n',
    'v1/memory/memory.failcnt': '6\n',
    'v1/pids/pids.max': '100\n',
    'v1/pids/cgroup.procs': '7\n',
    'v1/hugetlb/hugetlb.1GB.usage_in_bytes': '0\n',
    'v1/hugetlb/hugetlb.1GB.max_usage_in_bytes': '8\n',
    'v1/blkio/blkio.throttle.io_service_bytes_recursive': '8:0 Read 10\n8:0 Write 20\n8:0 Sync 5\nTotal 30\n',
    'v1/blkio/blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
  });
  const details = await detailsV1((controller) => `${root}/v1/${controller}`);
  assert.ok(details !== undefined);
  assert.deepEqual([details.cpuUserNs, details.cpuSystemNs], [50_000_000n, 40_000_000n]);
  assert.deepEqual([details.periods, details.throttledPeriods, details.throttledNs], [3, 2, 1n]);
  assert.deepEqual([details.memoryCache, details.memoryMappedFile, details.memoryActiveFile], [3, 4, 5]);
  assert.deepEqual([details.memoryKernel, details.memoryMaxUsage, details.memoryFailures], [undefined, undefined, 6]);
  assert.deepEqual([details.processes, details.threadsMax], [[7], 100]);
  assert.deepEqual(details.io, [{ device: '8:0', readBytes: 10, writeBytes: 20, reads: 1, writes: 2 }]);
  assert.deepEqual(details.hugePages, [{ pageSize: '1GB', usage: 0, maxUsage: 8 }]);
  assert.equal(await detailsV1((controller) => `${root}/none/${controller}`), undefined);
});

test('what one hierarchy does not have leaves the others as they are', async (t) => {
  const { root } = controlFiles(t, { 'cpuacct/cpuacct.stat': 'user 1\nsystem 0\n', 'cpuacct/cgroup.procs': '3\n9\n' });
  const only = (controller: string) => (controller === 'cpuacct' ? `${root}/cpuacct` : undefined);
  const details = await detailsV1(only);
  assert.ok(details !== undefined);
  assert.equal(details.cpuUserNs, 10_000_000n);
  assert.deepEqual(details.processes, [3, 9], 'of the next hierarchy that has them');
  assert.deepEqual([details.memoryCache, details.memoryMaxUsage, details.threadsMax], [0, undefined, 0]);
  assert.deepEqual([details.io, details.hugePages], [[], []]);
  assert.equal(await detailsV1(() => undefined), undefined);
});

test('blkio is told by device, read and write, without totals', () => {
  assert.deepEqual(parseBlkio(undefined, undefined), []);
  const bytes = '8:16 Read 1\n8:16 Write 2\n8:16 Discard 9\n253:0 Read 3\n8:16 Total 12\nTotal 15\n';
  const operations = '253:0 Write 4\n';
  assert.deepEqual(parseBlkio(bytes, operations), [
    { device: '8:16', readBytes: 1, writeBytes: 2, reads: 0, writes: 0 },
    { device: '253:0', readBytes: 3, writeBytes: 0, reads: 0, writes: 4 },
  ]);
});
