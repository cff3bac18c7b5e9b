/** Statistics as the CRI has them; what has not been measured is left out, never zero. */

import type { CgroupStats, Pressure, PressureTimes } from '../../../runtime/cgroups/types.js';
import type { FilesystemUsage } from '../../../runtime/images/types.js';
import type { ContainerStatsView, InterfaceStats, PodStatsView } from '../../../sandbox/types.js';
import type * as api from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';

type Optional = number | bigint | undefined;

export function containerStats(view: ContainerStatsView): DeepPartial<api.ContainerStats> {
  const { id, config } = view.container;
  const { cgroup } = view;
  return {
    attributes: { id, metadata: config.metadata, labels: config.labels, annotations: config.annotations },
    cpu: cpu(cgroup, view.nanoCores),
    memory: memory(cgroup),
    swap: swap(cgroup),
    io: io(cgroup),
    writableLayer: view.writableLayer === undefined ? undefined : filesystemUsage(view.writableLayer),
  };
}

export function podStats(view: PodStatsView): DeepPartial<api.PodSandboxStats> {
  const { id, config } = view.pod;
  const { cgroup } = view;
  return {
    attributes: { id, metadata: config.metadata, labels: config.labels, annotations: config.annotations },
    linux: {
      cpu: cpu(cgroup, view.nanoCores),
      memory: memory(cgroup),
      network: network(cgroup?.timestamp, view.interfaces),
      process: cgroup === undefined ? undefined : { timestamp: cgroup.timestamp, processCount: value(cgroup.pids) },
      containers: view.containers.map(containerStats),
      io: io(cgroup),
    },
  };
}

export function filesystemUsage(usage: FilesystemUsage): DeepPartial<api.FilesystemUsage> {
  return {
    timestamp: usage.timestamp,
    fsId: { mountpoint: usage.mountpoint },
    usedBytes: value(usage.usedBytes),
    inodesUsed: value(usage.inodesUsed),
  };
}

function cpu(cgroup: CgroupStats | undefined, nanoCores: bigint | undefined): DeepPartial<api.CpuUsage> | undefined {
  if (cgroup === undefined) return undefined;
  return {
    timestamp: cgroup.timestamp,
    usageCoreNanoSeconds: value(cgroup.cpuUsageNs),
    usageNanoCores: value(nanoCores),
    psi: psi(cgroup.pressure.cpu),
  };
}

function memory(cgroup: CgroupStats | undefined): DeepPartial<api.MemoryUsage> | undefined {
  if (cgroup === undefined) return undefined;
  const { memoryLimit, memoryWorkingSet } = cgroup;
  return {
    timestamp: cgroup.timestamp,
    workingSetBytes: value(memoryWorkingSet),
    availableBytes: memoryLimit === 0 ? undefined : value(Math.max(0, memoryLimit - memoryWorkingSet)),
    usageBytes: value(cgroup.memoryUsage),
    rssBytes: value(cgroup.memoryRss),
    pageFaults: value(cgroup.pageFaults),
    majorPageFaults: value(cgroup.majorPageFaults),
    psi: psi(cgroup.pressure.memory),
  };
}

function swap(cgroup: CgroupStats | undefined): DeepPartial<api.SwapUsage> | undefined {
  if (cgroup === undefined) return undefined;
  const { timestamp, swapUsage, swapLimit } = cgroup;
  const available = swapLimit === undefined ? undefined : Math.max(0, swapLimit - swapUsage);
  return { timestamp, swapUsageBytes: value(swapUsage), swapAvailableBytes: value(available) };
}

/** All that the CRI has of it is pressure. */
function io(cgroup: CgroupStats | undefined): DeepPartial<api.IoUsage> | undefined {
  if (cgroup?.pressure.io === undefined) return undefined;
  return { timestamp: cgroup.timestamp, psi: psi(cgroup.pressure.io) };
}

function psi(pressure: Pressure | undefined): DeepPartial<api.PsiStats> | undefined {
  if (pressure === undefined) return undefined;
  return { some: psiData(pressure.some), full: psiData(pressure.full) };
}

function psiData({ totalNs, avg10, avg60, avg300 }: PressureTimes): DeepPartial<api.PsiData> {
  return { total: totalNs, avg10, avg60, avg300 };
}

/** The kubelet takes the default interface for the pod's traffic; without `eth0` it is the first, as in containerd. */
function network(
  timestamp: bigint | undefined,
  interfaces: readonly InterfaceStats[],
): DeepPartial<api.NetworkUsage> | undefined {
  if (timestamp === undefined || interfaces.length === 0) return undefined;
  const messages = interfaces.map((counters) => ({
    name: counters.name,
    rxBytes: value(counters.rxBytes),
    rxErrors: value(counters.rxErrors),
    txBytes: value(counters.txBytes),
    txErrors: value(counters.txErrors),
  }));
  const defaultInterface = messages.find(({ name }) => name === 'eth0') ?? messages[0];
  return { timestamp, defaultInterface, interfaces: messages.filter((message) => message !== defaultInterface) };
}

/** A counter; one that went back (a clock, a moved cgroup) is 0, for the field is unsigned. */
function value(number: Optional): { value: bigint } | undefined {
  if (number === undefined) return undefined;
  return { value: number <= 0 ? 0n : BigInt(typeof number === 'bigint' ? number : Math.trunc(number)) };
}
