/** Every metric of pods and containers: the names that a kubelet's /metrics/cadvisor had from cAdvisor (KEP-2371). */

import type { ContainerMetricsView, PodMetricsView } from '../../../sandbox/types.js';
import { Metric, type MetricDescriptor, MetricType, type PodSandboxMetrics } from '../../api/generated/index.js';
import { type DeepPartial, encodedMessage, mergedMessage } from '../../api/wire.js';
import { CPU_METRICS } from './cpu.js';
import type { MetricDefinition, MetricSource } from './definition.js';
import { DISK_METRICS } from './disk.js';
import { MEMORY_METRICS } from './memory.js';
import { NETWORK_METRICS } from './network.js';
import { PROCESS_METRICS } from './process.js';

/** cAdvisor's: `id` is the cgroup, `name` the container's id; those of a pod have no container, name or image. */
const LABEL_KEYS = ['id', 'name', 'image', 'namespace', 'pod', 'container'] as const;

type BaseLabels = readonly [string, string, string, string, string, string];

const TABLE: readonly MetricDefinition[] = [
  ...CPU_METRICS,
  ...MEMORY_METRICS,
  ...DISK_METRICS,
  ...NETWORK_METRICS,
  ...PROCESS_METRICS,
];

/** A node has 27,000 values of 200 pods: what is the same in many of them is encoded once. */
const HEADS = TABLE.map((definition) => {
  const metricType = definition.type === 'counter' ? MetricType.COUNTER : MetricType.GAUGE;
  return { definition, head: encodedMessage(Metric, { name: definition.name, metricType }) };
});

export function metricDescriptors(): DeepPartial<MetricDescriptor>[] {
  return TABLE.map(({ name, help, labelKeys }) => ({ name, help, labelKeys: [...LABEL_KEYS, ...labelKeys] }));
}

export function podMetrics(view: PodMetricsView): DeepPartial<PodSandboxMetrics> {
  const { pod, cgroup, interfaces } = view.stats;
  const { namespace, name } = pod.config.metadata;
  const source: MetricSource = { stats: cgroup, details: view.details, interfaces };
  return {
    podSandboxId: pod.id,
    metrics: metricsOf(source, [view.cgroupPath, '', '', namespace, name, '']),
    containerMetrics: view.containers.map((container) => ({
      containerId: container.stats.container.id,
      metrics: containerMetrics(container, namespace, name),
    })),
  };
}

function containerMetrics(view: ContainerMetricsView, namespace: string, pod: string): DeepPartial<Metric>[] {
  const { container, cgroup, writableLayer } = view.stats;
  const { details, filesystem, processes } = view;
  const { id, config } = container;
  const image = config.image.userSpecifiedImage || config.image.image;
  const source: MetricSource = { stats: cgroup, details, container, writableLayer, filesystem, processes };
  return metricsOf(source, [view.cgroupPath, id, image, namespace, pod, config.metadata.name]);
}

function metricsOf(source: MetricSource, base: BaseLabels): DeepPartial<Metric>[] {
  const { stats } = source;
  // Ended meanwhile: there is nothing that its values would be of.
  if (stats === undefined) return [];
  const ofSubject = encodedMessage(Metric, { timestamp: stats.timestamp, labelValues: base });
  return HEADS.flatMap(({ definition, head }) =>
    definition
      .values(source)
      .map(({ value, labels }) =>
        mergedMessage<Metric>([head, ofSubject, { labelValues: labels, value: { value: BigInt(value) } }]),
      ),
  );
}
