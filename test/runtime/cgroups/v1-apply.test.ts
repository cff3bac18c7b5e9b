/** On real cgroups, whose kernel has its own mind about order; what it cannot be made to do, on plain files. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { applyV1, checkPageSize } from '../../../runtime/cgroups/v1-apply.js';
import { NO_RESOURCES } from '../../support/configs.js';
import { controlFiles } from './control-files.js';
import { NO_V1, realV1 } from './real-v1.js';

const MiB = 1 << 20;

test('memory and swap are raised and lowered together, in the order that the kernel takes', {
  skip: NO_V1,
}, async (t) => {
  const { directoryOf, read } = await realV1(t);
  for (const memoryLimit of [64 * MiB, 256 * MiB, 32 * MiB]) {
    await applyV1(directoryOf, { ...NO_RESOURCES, memoryLimit, memorySwapLimit: memoryLimit + MiB });
    assert.equal(read('memory', 'memory.limit_in_bytes'), String(memoryLimit));
    assert.equal(read('memory', 'memory.memsw.limit_in_bytes'), String(memoryLimit + MiB));
  }
});

test('a memory limit is lifted with that of memory and swap, which may not be below it', { skip: NO_V1 }, async (t) => {
  const { directoryOf, read } = await realV1(t);
  for (const memorySwapLimit of [-1, 0]) {
    await applyV1(directoryOf, { ...NO_RESOURCES, memoryLimit: 32 * MiB, memorySwapLimit: 32 * MiB });
    await applyV1(directoryOf, { ...NO_RESOURCES, memoryLimit: -1, memorySwapLimit });
    assert.ok(Number(read('memory', 'memory.limit_in_bytes')) > 2 ** 62);
  }
});

test('quota and period are changed together, also where the parent allows but one order', {
  skip: NO_V1,
}, async (t) => {
  const { cgroups, base, directoryOf, read } = await realV1(t);
  const parent = { ...NO_RESOURCES, cpuShares: 512, cpuPeriod: 100_000, cpuQuota: 50_000 };
  await applyV1(directoryOf, parent);
  assert.equal(read('cpu', 'cpu.shares'), '512');
  const child = `${base}/child`;
  await cgroups.create(child);
  const childOf = (controller: string) => {
    const directory = directoryOf(controller);
    return directory === undefined ? undefined : `${directory}/child`;
  };
  // Half a CPU each time: with the old quota the short period, with the old period the large quota would be more.
  for (const [cpuPeriod, cpuQuota] of [
    [100_000, 50_000],
    [20_000, 10_000],
    [200_000, 100_000],
  ] as const) {
    await applyV1(childOf, { ...NO_RESOURCES, cpuPeriod, cpuQuota });
    assert.equal(read('cpu', 'cpu.cfs_period_us', child), String(cpuPeriod));
    assert.equal(read('cpu', 'cpu.cfs_quota_us', child), String(cpuQuota));
  }
  const more = applyV1(childOf, { ...NO_RESOURCES, cpuPeriod: 100_000, cpuQuota: 60_000 });
  await assert.rejects(more, { code: 'FAILED_PRECONDITION', message: /cpu\.cfs_/ });
  await applyV1(directoryOf, { ...NO_RESOURCES, cpuQuota: -1 });
  assert.equal(read('cpu', 'cpu.cfs_quota_us'), '-1');
});

test('the value that the kernel refuses is told with its file', { skip: NO_V1 }, async (t) => {
  const { directoryOf } = await realV1(t);
  const cpus = applyV1(directoryOf, { ...NO_RESOURCES, cpusetCpus: '4000' });
  await assert.rejects(cpus, { code: 'FAILED_PRECONDITION', message: /writing "4000" to .*cpuset\.cpus/ });
});

test('what v1 does not have is refused, not forgotten', async (t) => {
  const { root, read } = controlFiles(t, { 'cpu/cpu.shares': '', 'memory/memory.limit_in_bytes': '' });
  const directoryOf = (controller: string) =>
    fs.existsSync(`${root}/${controller}`) ? `${root}/${controller}` : undefined;
  const apply = (change: object) => applyV1(directoryOf, { ...NO_RESOURCES, ...change });
  const unified = apply({ cpuShares: 2, unified: { 'memory.high': '1' } });
  await assert.rejects(unified, { code: 'FAILED_PRECONDITION', message: /"memory\.high" needs cgroup v2/ });
  assert.equal(read('cpu/cpu.shares'), '', 'nothing was done by halves');
  const cpuset = apply({ cpusetCpus: '0' });
  await assert.rejects(cpuset, { code: 'FAILED_PRECONDITION', message: /the cpuset controller is not mounted/ });
});

test('a kernel without swap accounting or huge pages has nothing to limit there', async (t) => {
  const { root, read } = controlFiles(t, { 'memory/memory.limit_in_bytes': '' });
  const directoryOf = (controller: string) => (controller === 'memory' ? `${root}/memory` : undefined);
  const hugepageLimits = [{ pageSize: '2MB', limit: 0 }];
  await applyV1(directoryOf, { ...NO_RESOURCES, memoryLimit: 1000, memorySwapLimit: 1000, hugepageLimits });
  assert.equal(read('memory/memory.limit_in_bytes'), '1000');
});

test('a huge page size can name no other file', async () => {
  for (const size of ['2MB', '1GB', '64KB', '16384KB']) checkPageSize(size);
  const others = ['../../x', '2mb', '2M', '', '0MB', '2MB.max', '2 MB', '2MB\n', '-2MB', '2.5MB'];
  for (const pageSize of others) {
    const resources = { ...NO_RESOURCES, hugepageLimits: [{ pageSize, limit: 1 }] };
    await assert.rejects(
      applyV1(() => '/nonexistent', resources),
      { code: 'INVALID_ARGUMENT' },
      pageSize,
    );
  }
});
