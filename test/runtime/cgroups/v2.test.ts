/** Values and arithmetic of v2 on plain files in place of cgroupfs; the real thing is in cgroups.test.ts. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { CgroupsV2 } from '../../../runtime/cgroups/v2.js';
import { cpuWeight } from '../../../runtime/cgroups/v2-apply.js';
import type { Resources } from '../../../runtime/containers/config.js';

let root = '';
const NO_RESOURCES: Resources = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  memoryLimit: 0,
  memorySwapLimit: 0,
  oomScoreAdj: 0,
  cpusetCpus: '',
  cpusetMems: '',
  hugepageLimits: [],
  unified: {},
};

const put = (file: string, text = '') => fs.writeFileSync(path.join(root, 'pod', file), text);
const got = (file: string) => fs.readFileSync(path.join(root, 'pod', file), 'utf8');

before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-v2-'));
  fs.mkdirSync(path.join(root, 'pod'));
});
after(() => fs.rmSync(root, { recursive: true, force: true }));

it('reads statistics', async () => {
  put('cpu.stat', 'usage_usec 1500\nuser_usec 1000\n');
  put('memory.stat', 'anon 4096\nfile 8192\ninactive_file 3000\npgfault 7\npgmajfault 2\n');
  put('memory.current', '10000\n');
  put('memory.max', 'max\n');
  put('memory.swap.current', '11\n');
  put('memory.swap.max', '4096\n');
  put(
    'io.pressure',
    'some avg10=1.50 avg60=0.25 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n',
  );
  put('pids.current', '4\n');
  const stats = await new CgroupsV2(root).stats('/pod');
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

it('writes limits in v2 terms', async () => {
  for (const file of ['cpu.weight', 'cpu.max', 'memory.max', 'memory.swap.max', 'hugetlb.2MB.max', 'memory.high'])
    put(file);
  await new CgroupsV2(root).apply('/pod', {
    ...NO_RESOURCES,
    cpuShares: 1024,
    cpuQuota: 20_000,
    memoryLimit: 1000,
    memorySwapLimit: 1500,
    hugepageLimits: [
      { pageSize: '2MB', limit: 0 },
      { pageSize: '1GB', limit: 0 },
    ],
    unified: { 'memory.high': '900' },
  });
  assert.equal(got('cpu.weight'), '39');
  assert.equal(got('cpu.max'), '20000 100000');
  assert.equal(got('memory.max'), '1000');
  assert.equal(got('memory.swap.max'), '500');
  assert.equal(got('hugetlb.2MB.max'), '0');
  assert.equal(got('memory.high'), '900');
});

it('refuses unified keys that are not resources', async () => {
  for (const key of ['../x.y', 'cgroup.kill', 'memory', 'memory.high/..']) {
    const resources = { ...NO_RESOURCES, unified: { [key]: '1' } };
    await assert.rejects(new CgroupsV2(root).apply('/pod', resources), { code: 'INVALID_ARGUMENT' }, key);
  }
  const swap = { ...NO_RESOURCES, memoryLimit: 10, memorySwapLimit: 5 };
  await assert.rejects(new CgroupsV2(root).apply('/pod', swap), { code: 'INVALID_ARGUMENT' });
});

it('maps the ends of the range of shares to the ends of the range of weights', () => {
  assert.deepEqual([1, 2, 1024, 262_144, 1e9].map(cpuWeight), [1, 1, 39, 10_000, 10_000]);
});
