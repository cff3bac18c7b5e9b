/** Details of v1 and v2 on plain files in place of cgroupfs; those of this host's own are in cri/services/pod-metrics. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { parsePressure } from '../../../runtime/cgroups/pressure.js';
import { detailsV1, parseBlkio } from '../../../runtime/cgroups/v1-details.js';
import { detailsV2, parseIoStat } from '../../../runtime/cgroups/v2-details.js';

let root = '';
const put = (files: Readonly<Record<string, string>>) => {
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  }
};

before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-details-'));
});
after(() => fs.rmSync(root, { recursive: true, force: true }));

it('reads those of v2', async () => {
  put({
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
  assert.deepEqual(await detailsV2(path.join(root, 'v2')), {
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
  assert.equal(await detailsV2(path.join(root, 'none')), undefined);
});

it('reads those of v1', async () => {
  put({
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
  const details = await detailsV1((controller) => path.join(root, 'v1', controller));
  assert.ok(details !== undefined);
  assert.deepEqual([details.cpuUserNs, details.cpuSystemNs], [50_000_000n, 40_000_000n]);
  assert.deepEqual([details.periods, details.throttledPeriods, details.throttledNs], [3, 2, 1n]);
  assert.deepEqual([details.memoryCache, details.memoryMappedFile, details.memoryActiveFile], [3, 4, 5]);
  assert.deepEqual([details.memoryKernel, details.memoryMaxUsage, details.memoryFailures], [undefined, undefined, 6]);
  assert.deepEqual([details.processes, details.threadsMax], [[7], 100]);
  assert.deepEqual(details.io, [{ device: '8:0', readBytes: 10, writeBytes: 20, reads: 1, writes: 2 }]);
  assert.deepEqual(details.hugePages, [{ pageSize: '1GB', usage: 0, maxUsage: 8 }]);
  assert.equal(await detailsV1((controller) => path.join(root, 'none', controller)), undefined);
});

it('reads nothing out of files that are not there', () => {
  assert.deepEqual(parseBlkio(undefined, undefined), []);
  assert.deepEqual(parseIoStat(undefined), []);
  assert.equal(parsePressure(undefined), undefined);
});

it('takes a cpu.pressure without a "full" line, as before Linux 5.13', () => {
  const pressure = parsePressure('some avg10=0.00 avg60=0.00 avg300=0.10 total=9\n');
  assert.deepEqual([pressure?.some.totalNs, pressure?.some.avg300, pressure?.full.totalNs], [9000n, 0.1, 0n]);
});
