import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodSandboxMetrics } from '../../../../cri/api/generated/index.js';
import { decodeMessage, encodeMessage } from '../../../../cri/api/wire.js';
import { metricDescriptors, podMetrics } from '../../../../cri/services/metrics/table.js';
import type { CgroupDetails, CgroupStats } from '../../../../runtime/cgroups/types.js';
import type { ContainerMetricsView, PodMetricsView } from '../../../../sandbox/types.js';
import { podConfig } from '../../../support/configs.js';
import { CONTAINER, DETAILS, STATS } from './measured.js';

function pod(stats: CgroupStats | undefined, details: CgroupDetails | undefined): PodMetricsView {
  const container: ContainerMetricsView = {
    stats: {
      container: CONTAINER,
      cgroup: stats,
      nanoCores: undefined,
      writableLayer: { timestamp: 1n, mountpoint: '/', usedBytes: 12, inodesUsed: 1 },
    },
    cgroupPath: '/kubepods/pod1/c1',
    details,
    processes: { openFiles: 5, sockets: 1, maxOpenFiles: 1024 },
    filesystem: { totalBytes: 1000, inodesTotal: 20, inodesFree: 10 },
  };
  const counters = { rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4 };
  return {
    stats: {
      pod: { id: 'p1', config: podConfig('web'), handler: '', state: 'ready', createdAt: 1n, ips: [] },
      cgroup: stats,
      nanoCores: undefined,
      interfaces: [{ name: 'eth0', ...counters, txBytes: 5, txPackets: 6, txErrors: 7, txDropped: 8 }],
      containers: [container.stats],
    },
    cgroupPath: '/kubepods/pod1',
    details,
    containers: [container],
  };
}

/** As a client sees it. */
function messageOf(view: PodMetricsView): PodSandboxMetrics {
  return decodeMessage(PodSandboxMetrics, encodeMessage(PodSandboxMetrics, podMetrics(view)));
}

test('each metric has the labels that its descriptor names, and where everything is known none is missing', () => {
  const keys = new Map(metricDescriptors().map(({ name, labelKeys }) => [name, labelKeys ?? []]));
  const message = messageOf(pod(STATS, DETAILS));
  const metrics = [...(message.metrics ?? []), ...(message.containerMetrics?.[0]?.metrics ?? [])];
  for (const { name, labelValues } of metrics) assert.equal(labelValues?.length, keys.get(name)?.length, name);
  assert.deepEqual(new Set(metrics.map(({ name }) => name)), new Set(keys.keys()));
  const unique = new Set(metrics.map(({ name, labelValues }) => JSON.stringify([name, labelValues])));
  assert.equal(unique.size, metrics.length, 'two metrics have the same name and labels');
});

test('descriptors are whole and differ', () => {
  const descriptors = metricDescriptors();
  assert.equal(new Set(descriptors.map(({ name }) => name)).size, descriptors.length);
  for (const { name, help, labelKeys } of descriptors) {
    assert.match(name ?? '', /^container_[a-z_]+$/);
    assert.notEqual(help, '');
    assert.equal(new Set(labelKeys).size, labelKeys?.length);
  }
});

test('values, labels and times are those of what was measured', () => {
  const message = messageOf(pod(STATS, DETAILS));
  const of = (name: string) => message.containerMetrics?.[0]?.metrics?.filter((metric) => metric.name === name) ?? [];
  const base = ['/kubepods/pod1/c1', 'c1', 'busybox:1', 'test', 'web', 'main'];
  assert.deepEqual(of('container_cpu_usage_seconds_total'), [
    {
      name: 'container_cpu_usage_seconds_total',
      timestamp: STATS.timestamp,
      metricType: 0,
      labelValues: [...base, 'total'],
      value: { value: 2n },
    },
  ]);
  assert.deepEqual(
    of('container_memory_failures_total').map(({ labelValues, value }) => [
      ...(labelValues ?? []).slice(6),
      value?.value,
    ]),
    [
      ['pgfault', 'container', 3n],
      ['pgfault', 'hierarchy', 4n],
      ['pgmajfault', 'container', 1n],
      ['pgmajfault', 'hierarchy', 2n],
    ],
  );
  assert.equal(of('container_spec_cpu_quota')[0]?.value?.value, 0n);
  assert.equal(of('container_start_time_seconds')[0]?.value?.value, 1_600_000_000n);
  assert.deepEqual(of('container_network_receive_bytes_total'), []);
  const received = message.metrics?.find(({ name }) => name === 'container_network_receive_bytes_total');
  assert.deepEqual(received?.labelValues, ['/kubepods/pod1', '', '', 'test', 'web', '', 'eth0']);
});

test('what is not known has no value rather than zero', () => {
  const unknown: CgroupDetails = { ...DETAILS, periods: 0, memoryKernel: undefined, memoryMaxUsage: undefined };
  const stats: CgroupStats = { ...STATS, pressure: { cpu: undefined, memory: undefined, io: undefined } };
  const names = messageOf(pod(stats, unknown)).containerMetrics?.[0]?.metrics?.map(({ name }) => name) ?? [];
  const absent = names.filter((name) => /cfs|pressure|kernel|max_usage_bytes$/.test(name ?? ''));
  assert.deepEqual(absent, ['container_hugetlb_max_usage_bytes']);
  assert.deepEqual(messageOf(pod(undefined, undefined)).containerMetrics?.[0]?.metrics, []);
});
