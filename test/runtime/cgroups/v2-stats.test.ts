/** On plain files in place of cgroupfs; those of a real one are in cgroups.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statsV2 } from '../../../runtime/cgroups/v2-stats.js';
import { controlFiles } from './control-files.js';

const FILES = {
  'cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
  'memory.stat': 'anon 4096\nfile 8192\ninactive_file 3000\npgfault 7\npgmajfault 2\n',
  'memory.current': '10000\n',
  'memory.max': 'max\n',
  'memory.swap.current': '11\n',
  'memory.swap.max': '4096\n',
  'io.pressure': 'some avg10=1.50 avg60=0.25 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n',
  'pids.current': '4\n',
};

test('each figure is that of its file, in its unit', async (t) => {
  const { root } = controlFiles(t, FILES);
  const stats = await statsV2(root);
  assert.ok(stats !== undefined);
  const { timestamp, ...rest } = stats;
  assert.ok(timestamp > 1_600_000_000_000_000_000n);
  assert.deepEqual(rest, {
    cpuUsageNs: 1_500_000n,
    memoryUsage: 10000,
    memoryWorkingSet: 7000,
    memoryRss: 4096,
    memoryLimit: 0,
    pageFaults: 7,
    majorPageFaults: 2,
    swapUsage: 11,
    swapLimit: 4096,
    pids: 4,
    pressure: {
      cpu: undefined,
      memory: undefined,
      io: {
        some: { totalNs: 42_000n, avg10: 1.5, avg60: 0.25, avg300: 0 },
        full: { totalNs: 7_000n, avg10: 0, avg60: 0, avg300: 0 },
      },
    },
  });
});

test('a working set is never below zero, a limit is told, no limit of swap is none', async (t) => {
  const { root } = controlFiles(t, {
    ...FILES,
    'memory.current': '100\n',
    'memory.max': '4096\n',
    'memory.swap.max': 'max\n',
  });
  const stats = await statsV2(root);
  assert.deepEqual([stats?.memoryWorkingSet, stats?.memoryLimit, stats?.swapLimit], [0, 4096, undefined]);
});

test('a cgroup without the memory and pids controllers still has its CPU time, one that is gone has nothing', async (t) => {
  const { root } = controlFiles(t, { 'cpu.stat': 'usage_usec 7\n' });
  const stats = await statsV2(root);
  assert.deepEqual([stats?.cpuUsageNs, stats?.memoryUsage, stats?.pids, stats?.swapUsage], [7000n, 0, 0, 0]);
  assert.equal(await statsV2(`${root}/gone`), undefined);
});
