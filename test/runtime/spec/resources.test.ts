import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { buildResources } from '../../../runtime/spec/resources.js';
import { host, resources } from './inputs.js';

function refuses(change: Partial<typeof resources>, message: RegExp): void {
  assert.throws(
    () => buildResources({ ...resources, ...change }, host),
    (error: unknown) => error instanceof CribError && error.code === 'INVALID_ARGUMENT' && message.test(error.message),
  );
}

it('writes only what is set', () => {
  assert.deepEqual(buildResources(resources, host), { cpu: {}, memory: {} });
});

it('writes limits, without swap beyond the memory limit unless given', () => {
  const limits = {
    ...resources,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    cpuShares: 1,
    cpusetCpus: '0-1,3',
    memoryLimit: 64,
  };
  assert.deepEqual(buildResources(limits, host), {
    cpu: { period: 100_000, quota: 50_000, shares: 2, cpus: '0-1,3' },
    memory: { limit: 64, swap: 64 },
  });
  const memory = (change: object, facts = host) => buildResources({ ...limits, ...change }, facts).memory;
  assert.deepEqual(memory({ memorySwapLimit: 128 }), { limit: 64, swap: 128 });
  assert.deepEqual(memory({ memoryLimit: -1 }), { limit: -1, swap: -1 });
  assert.deepEqual(memory({}, { ...host, swapAccounting: false }), { limit: 64 });
});

it('writes no quota where there is to be none: some versions of crun take -1 for a number', () => {
  const { cpu } = buildResources({ ...resources, cpuPeriod: 100_000, cpuQuota: -1 }, host);
  assert.deepEqual(cpu, { period: 100_000 });
});

it('limits huge pages only of sizes that the host has', () => {
  const hugepageLimits = ['2MB', '1GB'].map((pageSize) => ({ pageSize, limit: 0 }));
  assert.deepEqual(buildResources({ ...resources, hugepageLimits }, host).hugepageLimits, [hugepageLimits[0]]);
  const without = { ...host, controllers: ['cpu'] };
  assert.equal(buildResources({ ...resources, hugepageLimits }, without).hugepageLimits, undefined);
});

it('writes unified files on cgroup v2 and refuses them on v1', () => {
  const unified = { 'memory.high': '1' };
  assert.deepEqual(buildResources({ ...resources, unified }, host).unified, unified);
  assert.throws(() => buildResources({ ...resources, unified }, { ...host, cgroupVersion: 1 }), /needs v2/);
  refuses({ unified: { '../cgroup.procs': '1' } }, /unified/);
});

it('names the field of a value that no kernel takes', () => {
  refuses({ cpuQuota: -2 }, /config\.linux\.resources\.cpu_quota/);
  refuses({ cpuShares: -1 }, /cpu_shares/);
  refuses({ cpusetCpus: '0;1' }, /cpuset_cpus/);
  refuses({ memoryLimit: -5 }, /memory_limit_in_bytes/);
  refuses({ memoryLimit: 100, memorySwapLimit: 50 }, /memory_swap_limit_in_bytes/);
  refuses({ memoryLimit: Number.NaN }, /memory_limit_in_bytes/);
  refuses({ hugepageLimits: [{ pageSize: '2MB', limit: -1 }] }, /hugepage_limits\[0\]/);
});
