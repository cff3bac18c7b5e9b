import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CgroupSampler } from '../../../runtime/cgroups/sampler.js';
import type { CgroupStats, Cgroups } from '../../../runtime/cgroups/types.js';

function fake(cpu: () => bigint | undefined): { cgroups: Cgroups; reads: () => number; most: () => number } {
  let reads = 0;
  let active = 0;
  let most = 0;
  const stats = async (): Promise<CgroupStats | undefined> => {
    reads++;
    most = Math.max(most, ++active);
    await delay(2);
    active--;
    const cpuUsageNs = cpu();
    if (cpuUsageNs === undefined) return undefined;
    return {
      timestamp: 0n,
      cpuUsageNs,
      memoryUsage: 0,
      memoryWorkingSet: 0,
      memoryRss: 0,
      memoryLimit: 0,
      pageFaults: 0,
      majorPageFaults: 0,
      swapUsage: 0,
      pids: 0,
      swapLimit: undefined,
      pressure: { cpu: undefined, memory: undefined, io: undefined },
    };
  };
  const unused = () => Promise.reject(new Error('not called'));
  const cgroups: Cgroups = {
    version: 2,
    create: unused,
    apply: unused,
    exists: unused,
    processes: unused,
    frozen: unused,
    requireThawed: () => assert.fail('not called'),
    requireUnused: unused,
    kill: unused,
    remove: unused,
    stats,
    details: unused,
    oomKills: unused,
    directories: () => [],
    attach: unused,
  };
  return { cgroups, reads: () => reads, most: () => most };
}

it('shares one reading and needs two for a rate', async () => {
  let cpu = 0n;
  const { cgroups, reads } = fake(() => cpu);
  const sampler = new CgroupSampler(cgroups, { maxAgeMs: 50 });
  const [first, same] = await Promise.all([sampler.statsCached('/a'), sampler.statsCached('/a')]);
  assert.equal(first, same);
  assert.equal(await sampler.statsCached('/a'), first);
  assert.equal(reads(), 1);
  assert.equal(first?.nanoCores, undefined);
  await delay(100);
  cpu = 100_000_000n;
  const second = await sampler.statsCached('/a');
  assert.ok(second?.nanoCores !== undefined);
  assert.ok(second.nanoCores > 300_000_000n && second.nanoCores <= 1_100_000_000n, String(second.nanoCores));
  await delay(60);
  cpu = 5n;
  assert.equal((await sampler.statsCached('/a'))?.nanoCores, undefined, 'the counter went back');
});

it('bounds what it reads at one time and what it remembers', async () => {
  const { cgroups, reads, most } = fake(() => 1n);
  const sampler = new CgroupSampler(cgroups, { concurrency: 3, maxEntries: 10 });
  await Promise.all(Array.from({ length: 30 }, (_, index) => sampler.statsCached(`/${index}`)));
  assert.equal(most(), 3);
  assert.equal(reads(), 30);
  await sampler.statsCached('/29');
  assert.equal(reads(), 30);
  await sampler.statsCached('/0');
  assert.equal(reads(), 31);
});

it('forgets a cgroup that is gone', async () => {
  let cpu: bigint | undefined = 1n;
  const { cgroups } = fake(() => cpu);
  const sampler = new CgroupSampler(cgroups, { maxAgeMs: 0 });
  assert.ok(await sampler.statsCached('/a'));
  cpu = undefined;
  assert.equal(await sampler.statsCached('/a'), undefined);
  cpu = 9n;
  assert.equal((await sampler.statsCached('/a'))?.nanoCores, undefined);
});
