/** On plain files in place of cgroupfs; the real thing is in cgroups.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyV2, cpuWeight } from '../../../runtime/cgroups/v2-apply.js';
import { NO_RESOURCES } from '../../support/configs.js';
import { controlFiles } from './control-files.js';

const LIMITS = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.swap.max', 'hugetlb.2MB.max', 'memory.high'];
const empty = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']));

test('limits are written in v2 terms; a page size that the host does not have is passed over', async (t) => {
  const { root, read } = controlFiles(t, empty(LIMITS));
  await applyV2(root, {
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
  assert.deepEqual(LIMITS.map(read), ['39', '20000 100000', '1000', '500', '0', '900']);
});

test('what is zero is left as it is, what is negative is lifted', async (t) => {
  const { root, read } = controlFiles(t, empty(LIMITS));
  await applyV2(root, NO_RESOURCES);
  assert.deepEqual(new Set(LIMITS.map(read)), new Set(['']));
  await applyV2(root, { ...NO_RESOURCES, cpuQuota: -1, cpuPeriod: 50_000, memoryLimit: -1, memorySwapLimit: -1 });
  assert.deepEqual([read('cpu.max'), read('memory.max'), read('memory.swap.max')], ['max 50000', 'max', 'max']);
});

test('swap is what is left of the sum, and without swap accounting only a limit that could not be kept is refused', async (t) => {
  const { root, read } = controlFiles(t, empty(['memory.max', 'memory.swap.max']));
  await applyV2(root, { ...NO_RESOURCES, memoryLimit: 1000, memorySwapLimit: 1000 });
  assert.deepEqual([read('memory.max'), read('memory.swap.max')], ['1000', '0']);
  for (const [memoryLimit, memorySwapLimit] of [
    [10, 5],
    [0, 5],
    [-1, 5],
  ] as const) {
    const resources = { ...NO_RESOURCES, memoryLimit, memorySwapLimit };
    await assert.rejects(applyV2(root, resources), { code: 'INVALID_ARGUMENT', message: /needs a memory limit/ });
  }
  const without = controlFiles(t, empty(['memory.max']));
  for (const memorySwapLimit of [1000, -1]) {
    await applyV2(without.root, { ...NO_RESOURCES, memoryLimit: 1000, memorySwapLimit });
    assert.equal(without.read('memory.max'), '1000');
  }
  const some = applyV2(without.root, { ...NO_RESOURCES, memoryLimit: 1000, memorySwapLimit: 1500 });
  await assert.rejects(some, { code: 'FAILED_PRECONDITION', message: /writing "500" to .*memory\.swap\.max/ });
});

test('only files of resources are written, whatever "unified" names', async (t) => {
  const { root, read } = controlFiles(t, empty(['memory.high', 'cgroup.kill', 'io.bfq.weight']));
  const unified = (file: string, value = '1') => applyV2(root, { ...NO_RESOURCES, unified: { [file]: value } });
  for (const file of ['../x.y', 'cgroup.kill', 'memory', 'memory.high/..', '/etc/x.y', '.high', 'Memory.high', '']) {
    await assert.rejects(unified(file), { code: 'INVALID_ARGUMENT' }, file);
  }
  await assert.rejects(unified('memory.high', 'a\0b'), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(unified('memory.none'), { code: 'FAILED_PRECONDITION', message: /memory\.none/ });
  await unified('io.bfq.weight', '100');
  assert.deepEqual([read('io.bfq.weight'), read('cgroup.kill')], ['100', '']);
});

test('the ends of the range of shares are the ends of the range of weights', () => {
  assert.deepEqual([1, 2, 1024, 262_144, 1e9].map(cpuWeight), [1, 1, 39, 10_000, 10_000]);
});
