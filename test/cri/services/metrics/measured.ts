/** A container of which everything is known, and what metrics say of it. */

import type { MetricDefinition, MetricSource } from '../../../../cri/services/metrics/definition.js';
import type { CgroupDetails, CgroupStats, Pressure } from '../../../../runtime/cgroups/types.js';
import type { ContainerView } from '../../../../sandbox/types.js';
import { containerConfig, NO_RESOURCES } from '../../../support/configs.js';

const times = { totalNs: 3_000_000_000n, avg10: 0, avg60: 0, avg300: 0 };
const pressure: Pressure = { some: times, full: times };

export const STATS: CgroupStats = {
  timestamp: 1_700_000_000_000_000_000n,
  cpuUsageNs: 2_500_000_000n,
  memoryUsage: 10,
  memoryWorkingSet: 8,
  memoryRss: 5,
  memoryLimit: 100,
  pageFaults: 4,
  majorPageFaults: 2,
  swapUsage: 0,
  swapLimit: 0,
  pids: 3,
  pressure: { cpu: pressure, memory: pressure, io: pressure },
};

export const DETAILS: CgroupDetails = {
  cpuUserNs: 1_000_000_000n,
  cpuSystemNs: 1_500_000_000n,
  periods: 7,
  throttledPeriods: 2,
  throttledNs: 1_000_000_000n,
  memoryCache: 1,
  memoryMappedFile: 2,
  memoryActiveFile: 3,
  memoryInactiveFile: 4,
  memoryKernel: 5,
  memoryMaxUsage: 11,
  memoryFailures: 6,
  oomKills: 1,
  ownPageFaults: 3,
  ownMajorPageFaults: 1,
  processes: [1, 2],
  threadsMax: 100,
  io: [{ device: '8:0', readBytes: 4096, writeBytes: 8192, reads: 1, writes: 2 }],
  hugePages: [{ pageSize: '2MB', usage: 1, maxUsage: 2 }],
};

export const CONTAINER: ContainerView = {
  id: 'c1',
  podId: 'p1',
  config: containerConfig('main', 'busybox:1'),
  imageId: 'sha256:1',
  imageRef: 'busybox@sha256:1',
  state: 'running',
  createdAt: 1n,
  startedAt: 1_600_000_000_000_000_000n,
  finishedAt: 0n,
  exitCode: 0,
  reason: '',
  message: '',
  logPath: '',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/', name: 'root' } as unknown as ContainerView['user'],
  resources: { ...NO_RESOURCES, cpuQuota: -1, memoryLimit: 1 << 20, unified: { 'memory.min': '4096' } },
  stopSignal: 'SIGTERM',
  pid: 1,
  volumes: [],
};

export const SOURCE: MetricSource = { stats: STATS, details: DETAILS, container: CONTAINER };

/** By the metrics' names without `container_`: values, each behind its labels where it has some. */
export function valuesOf(definitions: readonly MetricDefinition[], source: MetricSource): Record<string, unknown> {
  const entries = definitions.flatMap(({ name, labelKeys, values }) => {
    const found = values(source).map(({ labels, value }) => (labelKeys.length === 0 ? value : [...labels, value]));
    if (found.length === 0) return [];
    return [[name.replace(/^container_/, ''), labelKeys.length === 0 ? found[0] : found]];
  });
  return Object.fromEntries(entries);
}
