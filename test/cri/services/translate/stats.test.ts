import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerStats, filesystemUsage, podStats } from '../../../../cri/services/translate/stats.js';
import type { CgroupStats } from '../../../../runtime/cgroups/types.js';
import type { ContainerStatsView, ContainerView, InterfaceStats, PodStatsView } from '../../../../sandbox/types.js';
import { containerConfig, podConfig } from '../../../support/configs.js';

const NONE = { cpu: undefined, memory: undefined, io: undefined };
const cgroup: CgroupStats = {
  timestamp: 5n,
  cpuUsageNs: 2n ** 60n,
  memoryUsage: 100,
  memoryWorkingSet: 80,
  memoryRss: 70,
  memoryLimit: 60,
  pageFaults: 3,
  majorPageFaults: 1,
  swapUsage: 4,
  swapLimit: 10,
  pids: 2,
  pressure: NONE,
};
const container = { id: 'c', config: containerConfig('c') } as ContainerView;
const ofContainer = (change: Partial<ContainerStatsView>) =>
  containerStats({ container, cgroup, nanoCores: 7n, writableLayer: undefined, ...change } as ContainerStatsView);
const ofPod = (change: Partial<PodStatsView>) =>
  podStats({
    pod: { id: 'p', config: podConfig('p') },
    cgroup,
    nanoCores: undefined,
    interfaces: [],
    containers: [],
    ...change,
  } as PodStatsView);
const counters = (name: string): InterfaceStats => ({
  ...{ name, rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4 },
  ...{ txBytes: 5, txPackets: 6, txErrors: 7, txDropped: 8 },
});

test('what is measured is told, to the last bit', () => {
  const { cpu, memory, swap } = ofContainer({});
  assert.deepEqual([cpu?.usageCoreNanoSeconds?.value, cpu?.usageNanoCores?.value, cpu?.timestamp], [2n ** 60n, 7n, 5n]);
  assert.deepEqual(
    [memory?.workingSetBytes?.value, memory?.usageBytes?.value, memory?.rssBytes?.value],
    [80n, 100n, 70n],
  );
  assert.deepEqual([swap?.swapUsageBytes?.value, swap?.swapAvailableBytes?.value], [4n, 6n]);
});

test('what is not measured is left out: an exited container, the first sample, a limit that is none', () => {
  const { cpu, memory, swap, io, writableLayer, attributes } = ofContainer({ cgroup: undefined });
  assert.deepEqual([cpu, memory, swap, io, writableLayer], Array(5).fill(undefined));
  assert.equal(attributes?.id, 'c');
  assert.equal(ofContainer({ nanoCores: undefined }).cpu?.usageNanoCores, undefined);
  const unlimited = { ...cgroup, memoryLimit: 0, swapLimit: undefined };
  assert.equal(ofContainer({ cgroup: unlimited }).memory?.availableBytes, undefined);
  assert.equal(ofContainer({ cgroup: unlimited }).swap?.swapAvailableBytes, undefined);
});

test('a counter that went back, and memory above its limit, are 0: the fields have no sign', () => {
  assert.equal(ofContainer({}).memory?.availableBytes?.value, 0n);
  assert.equal(ofContainer({ nanoCores: -1n }).cpu?.usageNanoCores?.value, 0n);
  const usage = { timestamp: 1n, mountpoint: '/', usedBytes: -1, inodesUsed: 1.5 };
  assert.deepEqual(filesystemUsage(usage).usedBytes, { value: 0n });
  assert.deepEqual(filesystemUsage(usage).inodesUsed, { value: 1n });
});

test('the default interface is eth0, else the first; it is not told twice', () => {
  const names = (...interfaces: string[]) => {
    const { network } = ofPod({ interfaces: interfaces.map(counters) }).linux ?? {};
    return [network?.defaultInterface?.name, ...(network?.interfaces ?? []).map(({ name }) => name)];
  };
  assert.deepEqual(names('net1', 'eth0'), ['eth0', 'net1']);
  assert.deepEqual(names('net1', 'net2'), ['net1', 'net2']);
  assert.deepEqual(names(), [undefined]);
});

test('pressure is there where the kernel has it', () => {
  const times = { totalNs: 9n, avg10: 1, avg60: 2, avg300: 3 };
  const pressure = { ...NONE, io: { some: times, full: times } };
  assert.equal(ofPod({}).linux?.io, undefined);
  assert.deepEqual(ofPod({ cgroup: { ...cgroup, pressure } }).linux?.io?.psi?.full, {
    total: 9n,
    avg10: 1,
    avg60: 2,
    avg300: 3,
  });
});
