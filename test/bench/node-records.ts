/** Records of a node that is full, made up for what only translates and encodes. */

import type { CgroupDetails, CgroupStats } from '../../runtime/cgroups/types.js';
import { type ContainerRecord, containerView } from '../../sandbox/container-record.js';
import type { ContainerStatsView, ContainerView, InterfaceStats, PodMetricsView } from '../../sandbox/types.js';
import { containerConfig, NO_RESOURCES, podConfig } from '../support/configs.js';

const NOW = 1_700_000_000_123_456_789n;

const STATS: CgroupStats = {
  timestamp: NOW,
  cpuUsageNs: 12_345_678_901n,
  memoryUsage: 123_456_789,
  memoryWorkingSet: 98_765_432,
  memoryRss: 55_555_555,
  memoryLimit: 268_435_456,
  pageFaults: 44_444,
  majorPageFaults: 222,
  swapUsage: 0,
  swapLimit: 0,
  pids: 13,
  pressure: { cpu: undefined, memory: undefined, io: undefined },
};

const DETAILS: CgroupDetails = {
  cpuUserNs: 11_000_000_000n,
  cpuSystemNs: 1_500_000_000n,
  periods: 700,
  throttledPeriods: 20,
  throttledNs: 1_000_000_000n,
  memoryCache: 1_111_111,
  memoryMappedFile: 222_222,
  memoryActiveFile: 333_333,
  memoryInactiveFile: 444_444,
  memoryKernel: 55_555,
  memoryMaxUsage: 233_456_789,
  memoryFailures: 6,
  oomKills: 1,

  ownPageFaults: 33_333,
  ownMajorPageFaults: 111,
  processes: [1, 2, 3],
  threadsMax: 1000,
  io: [{ device: '8:0', readBytes: 40_960_000, writeBytes: 8_192_000, reads: 1000, writes: 2000 }],
  hugePages: [{ pageSize: '2MB', usage: 0, maxUsage: 0 }],
};

const ETH0: InterfaceStats = {
  name: 'eth0',
  rxBytes: 123_456_789,
  rxPackets: 234_567,
  rxErrors: 0,
  rxDropped: 0,
  txBytes: 87_654_321,
  txPackets: 123_456,
  txErrors: 0,
  txDropped: 0,
};

const idOf = (index: number) => index.toString(16).padStart(64, 'c');

/** As a kubelet labels and annotates it. */
function recordOf(index: number): ContainerRecord {
  const pod = Math.floor(index / 2);
  const name = index % 2 === 0 ? 'main' : 'sidecar';
  return {
    version: 1,
    id: idOf(index),
    podId: idOf(pod),
    config: {
      ...containerConfig(name, `registry.example/team/${name}:1.2.3`),
      labels: {
        'io.kubernetes.container.name': name,
        'io.kubernetes.pod.name': `workload-${pod}`,
        'io.kubernetes.pod.namespace': 'production',
        'io.kubernetes.pod.uid': `8f7c2d3e-1111-4222-8333-${String(pod).padStart(12, '0')}`,
      },
      annotations: {
        'io.kubernetes.container.hash': '5f6b1a2c',
        'io.kubernetes.container.restartCount': '0',
        'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
        'io.kubernetes.container.terminationMessagePolicy': 'File',
        'io.kubernetes.pod.terminationGracePeriod': '30',
      },
    },
    imageId: `sha256:${'a'.repeat(64)}`,
    imageRef: `registry.example/team/${name}@sha256:${'b'.repeat(64)}`,
    chain: [],
    state: 'running',
    createdAt: String(NOW),
    startedAt: String(NOW),
    finishedAt: '0',
    exitCode: 0,
    reason: '',
    message: '',
    logPath: `/var/log/pods/production_workload-${pod}/${name}/0.log`,
    user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
    resources: { ...NO_RESOURCES, cpuPeriod: 100_000, cpuShares: 102, memoryLimit: 268_435_456 },
    stopSignal: 'SIGTERM',
    cgroup: `/kubepods/burstable/pod${pod}/${idOf(index)}`,
    hasHooks: false,
    runtime: 'runc',
    pid: 4000 + index,
    startTime: '1',
    volumes: [],
  };
}

export function madeUpContainer(index: number): ContainerView {
  return containerView(recordOf(index));
}

export function madeUpStats(index: number): ContainerStatsView {
  const writableLayer = { timestamp: NOW, mountpoint: '/var/lib/crib', usedBytes: 81_920, inodesUsed: 20 };
  return { container: madeUpContainer(index), cgroup: STATS, nanoCores: 12_345_678n, writableLayer };
}

/** A pod with two containers. */
export function madeUpMetrics(index: number): PodMetricsView {
  const config = { ...podConfig(`workload-${index}`), labels: recordOf(index * 2).config.labels };
  const pod = { id: idOf(index), config, handler: '', state: 'ready', createdAt: NOW, ips: ['10.0.0.7'] } as const;
  const containers = [index * 2, index * 2 + 1].map(madeUpStats);
  return {
    stats: { pod, cgroup: STATS, nanoCores: undefined, interfaces: [ETH0], containers },
    cgroupPath: `/kubepods/burstable/pod${index}`,
    details: DETAILS,
    containers: containers.map((stats) => ({
      stats,
      cgroupPath: `/kubepods/burstable/pod${index}/${stats.container.id}`,
      details: DETAILS,
      processes: { openFiles: 30, sockets: 4, maxOpenFiles: 1024 },
      filesystem: { totalBytes: 1e11, inodesTotal: 1e7, inodesFree: 9e6 },
    })),
  };
}
