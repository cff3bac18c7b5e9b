/** On plain files in place of cgroupfs; those of this host's own are in cri/services/pod-metrics. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detailsV2, parseIoStat } from '../../../runtime/cgroups/v2-details.js';
import { controlFiles } from './control-files.js';

test('each figure is that of its file, in its unit', async (t) => {
  const { root } = controlFiles(t, {
    'v2/cpu.stat': 'usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 3\nnr_throttled 2\nthrottled_usec 1\n',
    'v2/memory.stat':
      'anon 1\nfile 2\nkernel 3\nfile_mapped 4\ninactive_file 5\nactive_file 6\npgfault 7\npgmajfault 8\n',
    'v2/memory.peak': '99\n',
    'v2/memory.events': 'low 0\nhigh 0\nmax 12\noom 0\noom_kill 2\n',
    'v2/pids.max': 'max\n',
    'v2/io.stat': '8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
    'v2/cgroup.procs': '41\n42\n',
    'v2/hugetlb.2MB.current': '2097152\n',
  });
  assert.deepEqual(await detailsV2(`${root}/v2`), {
    cpuUserNs: 5000n,
    cpuSystemNs: 4000n,
    periods: 3,
    throttledPeriods: 2,
    throttledNs: 1000n,
    memoryCache: 2,
    memoryMappedFile: 4,
    memoryActiveFile: 6,
    memoryInactiveFile: 5,
    memoryKernel: 3,
    memoryMaxUsage: 99,
    memoryFailures: 12,
    oomKills: 2,
    ownPageFaults: 7,
    ownMajorPageFaults: 8,
    processes: [41, 42],
    threadsMax: 0,
    io: [{ device: '8:16', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 }],
    hugePages: [{ pageSize: '2MB', usage: 2_097_152, maxUsage: undefined }],
  });
  assert.equal(await detailsV2(`${root}/none`), undefined);
});

test('a kernel without memory.peak or kernel memory in memory.stat has no figure of it, not zero', async (t) => {
  const { root } = controlFiles(t, { 'cpu.stat': 'usage_usec 1\n', 'memory.stat': 'anon 1\nkernel_stack 5\n' });
  const details = await detailsV2(root);
  assert.deepEqual([details?.memoryKernel, details?.memoryMaxUsage], [undefined, undefined]);
  assert.deepEqual([details?.periods, details?.oomKills, details?.processes], [0, 0, []]);
});

test('io is told by device, whatever other keys a line has', () => {
  assert.deepEqual(parseIoStat(undefined), []);
  const text = '8:0 dbytes=7 rbytes=1 wios=4 cost.usage=9 wbytes=2 rios=3\n253:1 wbytes=5\n8:16 \n';
  assert.deepEqual(parseIoStat(text), [
    { device: '8:0', readBytes: 1, writeBytes: 2, reads: 3, writes: 4 },
    { device: '253:1', readBytes: 0, writeBytes: 5, reads: 0, writes: 0 },
    { device: '8:16', readBytes: 0, writeBytes: 0, reads: 0, writes: 0 },
  ]);
});
