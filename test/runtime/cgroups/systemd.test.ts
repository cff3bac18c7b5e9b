/** What systemd is asked for; this machine has none to ask. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sliceProperties, withSystemd } from '../../../runtime/cgroups/systemd.js';
import type { Cgroups } from '../../../runtime/cgroups/types.js';
import { NO_RESOURCES } from '../../support/configs.js';

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

test('limits are properties of the version’s own names', () => {
  const resources = { ...NO_RESOURCES, cpuShares: 1024, cpuQuota: 50_000, cpuPeriod: 100_000, cpusetCpus: '0-1' };
  assert.deepEqual(sliceProperties({ ...resources, memoryLimit: 4096 }, 2), [
    ...['CPUWeight=39', 'CPUQuota=50.00%', 'MemoryMax=4096', 'AllowedCPUs=0-1'],
  ]);
  assert.deepEqual(sliceProperties({ ...resources, memoryLimit: -1, cpuQuota: -1 }, 1), [
    ...['CPUShares=1024', 'CPUQuota=', 'MemoryLimit=infinity'],
  ]);
});
