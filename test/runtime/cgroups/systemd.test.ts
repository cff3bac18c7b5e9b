/** What systemd is asked for, and what a real one makes of it where one runs the machine. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, describe, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { expandSlice } from '../../../runtime/cgroups/driver.js';
import { sliceProperties, withSystemd } from '../../../runtime/cgroups/systemd.js';
import type { Cgroups } from '../../../runtime/cgroups/types.js';
import { NO_RESOURCES } from '../../support/configs.js';
import { NO_SYSTEMD } from '../../support/systemd.js';

const POD = '/crib.slice/crib-pod1.slice';

function recorded(exists: boolean) {
  const asked: string[] = [];
  const removed: string[] = [];
  const inner = {
    version: 2,
    exists: async () => exists,
    remove: async (path: string) => void removed.push(path),
  } as unknown as Cgroups;
  const cgroups = withSystemd(inner, async (args) => void asked.push(args.join(' ')));
  return { asked, removed, cgroups };
}

test('a slice that is not there is started, limited, and stopped by its name', async () => {
  const missing = recorded(false);
  await missing.cgroups.create(POD);
  await missing.cgroups.apply(POD, { ...NO_RESOURCES, memoryLimit: 1024 });
  await missing.cgroups.apply(POD, NO_RESOURCES);
  assert.deepEqual(missing.asked, ['start crib-pod1.slice', 'set-property --runtime crib-pod1.slice MemoryMax=1024']);
  const there = recorded(true);
  await there.cgroups.create(POD);
  await there.cgroups.remove(POD);
  assert.deepEqual([there.asked, there.removed], [['stop crib-pod1.slice'], [POD]]);
});

test('a scope is the OCI runtime’s: only what is left of it is removed', async () => {
  const { asked, removed, cgroups } = recorded(true);
  await cgroups.remove(`${POD}/crib-c1.scope`);
  assert.deepEqual([asked, removed], [[], [`${POD}/crib-c1.scope`]]);
});

test('limits of a scope are written below it too, where crun has its own', async () => {
  const asked: string[] = [];
  const crun = `${POD}/crib-crun.scope`;
  const inner = {
    version: 2,
    exists: async (path: string) => path === `${crun}/container`,
    apply: async (path: string, { cpuQuota }: { cpuQuota: number }) => void asked.push(`${path} ${cpuQuota}`),
  } as unknown as Cgroups;
  const cgroups = withSystemd(inner, async (args) => void asked.push(args.join(' ')));
  for (const path of [crun, `${POD}/crib-runc.scope`]) await cgroups.apply(path, { ...NO_RESOURCES, cpuQuota: -1 });
  assert.deepEqual(asked, [
    'set-property --runtime crib-crun.scope CPUQuota=',
    `${crun}/container -1`,
    'set-property --runtime crib-runc.scope CPUQuota=',
  ]);
});

test('crun’s limits stand below its scope; use is the scope’s own', async () => {
  const figures: Record<string, object> = {
    [`${POD}/crib-crun.scope`]: { memoryUsage: 7, memoryLimit: 0, periods: 0, throttledNs: 0n, threadsMax: 0 },
    [`${POD}/crib-crun.scope/container`]: {
      memoryUsage: 6,
      memoryLimit: 9,
      periods: 3,
      throttledNs: 5n,
      threadsMax: 4,
    },
    [`${POD}/crib-runc.scope`]: { memoryUsage: 7, memoryLimit: 8, periods: 2, throttledNs: 1n, threadsMax: 5 },
    [POD]: { memoryUsage: 14, memoryLimit: 0, periods: 1, throttledNs: 2n, threadsMax: 6 },
    [`${POD}/container`]: { memoryLimit: 1 },
  };
  const read = async (path: string) => figures[path];
  const cgroups = withSystemd({ version: 2, stats: read, details: read } as unknown as Cgroups);
  const of = async (path: string) => {
    const [stats, details] = await Promise.all([cgroups.stats(path), cgroups.details(path)]);
    return [stats?.memoryUsage, stats?.memoryLimit, details?.periods, details?.throttledNs, details?.threadsMax];
  };
  assert.deepEqual(await of(`${POD}/crib-crun.scope`), [7, 9, 3, 5n, 4]);
  assert.deepEqual(await of(`${POD}/crib-runc.scope`), [7, 8, 2, 1n, 5]);
  assert.deepEqual(await of(POD), [14, 0, 1, 2n, 6]);
  assert.equal(await cgroups.stats('/gone.slice'), undefined);
});

test('limits are properties of the version’s own names', () => {
  const resources = { ...NO_RESOURCES, cpuShares: 1024, cpuQuota: 50_000, cpuPeriod: 100_000, cpusetCpus: '0-1' };
  assert.deepEqual(sliceProperties({ ...resources, memoryLimit: 4096 }, 2), [
    ...['CPUWeight=39', 'CPUQuota=50.00%', 'MemoryMax=4096', 'AllowedCPUs=0-1'],
  ]);
  assert.deepEqual(sliceProperties({ ...resources, memoryLimit: -1, cpuQuota: -1 }, 1), [
    ...['CPUShares=1024', 'CPUQuota=', 'MemoryLimit=infinity'],
  ]);
});

describe('a real systemd', { skip: NO_SYSTEMD }, async () => {
  const parent = `cribtest${process.pid}.slice`;
  const path = expandSlice(`cribtest${process.pid}-pod.slice`);
  const cgroups = withSystemd(await createCgroups());
  const read = (file: string) => fs.readFileSync(`${cgroups.directories(path)[0]}/${file}`, 'utf8').trim();

  after(() => cgroups.remove(`/${parent}`));

  test('makes a slice, limits it, changes and lifts the limits, and removes it', async () => {
    await cgroups.create(path);
    await cgroups.create(path);
    assert.equal(await cgroups.exists(path), true);
    await cgroups.apply(path, { ...NO_RESOURCES, cpuShares: 1024, cpuQuota: 50_000, memoryLimit: 64 << 20 });
    assert.deepEqual(limits(), ['39', '50000 100000', String(64 << 20)]);
    await cgroups.apply(path, { ...NO_RESOURCES, cpuShares: 2, cpuQuota: 12_345, memoryLimit: 32 << 20 });
    assert.deepEqual(limits(), ['1', '12350 100000', String(32 << 20)]);
    await cgroups.apply(path, { ...NO_RESOURCES, cpuQuota: -1, memoryLimit: -1, cpusetCpus: '0' });
    assert.deepEqual(limits(), ['1', 'max 100000', 'max']);
    assert.equal(read('cpuset.cpus'), '0');
    await cgroups.remove(path);
    assert.equal(await cgroups.exists(path), false);
  });

  function limits(): string[] {
    if (cgroups.version === 1) throw new Error('this test reads the files of cgroup v2');
    return ['cpu.weight', 'cpu.max', 'memory.max'].map(read);
  }
});
