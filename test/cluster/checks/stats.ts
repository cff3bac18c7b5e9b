/** What the kubelet tells of its pods' use of resources: from cAdvisor and the runtime, then from the runtime alone. */

import assert from 'node:assert/strict';
import type { Check } from '../check.js';
import { NODE_NAME } from '../kubelet-config.js';
import type { ClusterNode } from '../node.js';
import { eventually } from '../wait.js';

interface Usage {
  readonly usedBytes?: number;
}
interface Processor {
  readonly usageCoreNanoSeconds?: number;
}
interface Memory {
  readonly workingSetBytes?: number;
}

/** Of /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1), what is looked at. */
interface PodStats {
  readonly podRef: { readonly name: string };
  readonly containers: readonly {
    readonly name: string;
    readonly cpu?: Processor;
    readonly memory?: Memory;
    readonly rootfs?: Usage;
    readonly logs?: Usage;
  }[];
  readonly cpu?: Processor;
  readonly memory?: Memory;
  readonly network?: { readonly name: string; readonly rxBytes?: number; readonly txBytes?: number };
  readonly process_stats?: { readonly process_count?: number };
  readonly volume?: readonly { readonly name: string; readonly capacityBytes?: number }[];
}

const POD = `steady-${NODE_NAME}`;

async function podStats(node: ClusterNode): Promise<PodStats | undefined> {
  const { pods } = JSON.parse(await node.api.get('/stats/summary')) as { pods: PodStats[] };
  return pods.find(({ podRef }) => podRef.name === POD);
}

/** Waits until the pod's use of processor and memory is there: a collector looks every 15 seconds. */
async function measured(node: ClusterNode): Promise<PodStats> {
  let stats: PodStats | undefined;
  const complete = async () => {
    stats = await podStats(node);
    const [container] = stats?.containers ?? [];
    const used = [stats?.cpu?.usageCoreNanoSeconds, container?.cpu?.usageCoreNanoSeconds];
    used.push(stats?.memory?.workingSetBytes, container?.memory?.workingSetBytes);
    used.push(container?.rootfs?.usedBytes, container?.logs?.usedBytes, stats?.volume?.[0]?.capacityBytes);
    return used.every((value) => value !== undefined && value > 0);
  };
  await eventually('processor, memory, disk, log and volume of the pod are measured', complete, undefined, () =>
    JSON.stringify(stats),
  );
  if (stats === undefined) throw new Error('no statistics');
  return stats;
}

async function assertResourceMetrics(node: ClusterNode): Promise<void> {
  const text = await node.api.get('/metrics/resource');
  const labels = `namespace="default",pod="${POD}"`;
  for (const name of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes']) {
    assert.match(text, new RegExp(`^${name}\\{container="main",${labels}\\} (?!0 )[0-9]`, 'm'));
  }
  assert.match(text, new RegExp(`^pod_memory_working_set_bytes\\{${labels}\\} [1-9]`, 'm'));
}

/** Names of what /metrics/cadvisor has of the pod: of its container, and of its network. */
async function named(node: ClusterNode): Promise<{ container: string[]; network: string[] }> {
  const lines = (await node.api.get('/metrics/cadvisor')).split('\n').filter((line) => line.includes(`pod="${POD}"`));
  const names = (part: string) => {
    const found = lines.filter((line) => line.includes(part)).map((line) => line.replace(/\{.*/, ''));
    return [...new Set(found)];
  };
  return { container: names('container="main"'), network: names('container_network_') };
}

const partly: Check = {
  name: 'statistics, as a kubelet takes them by default',
  run: async (node) => {
    const { network, process_stats } = await measured(node);
    await assertResourceMetrics(node);
    // cAdvisor knows containers and network of containerd and CRI-O, of others the cgroups alone: docs/kubelet.md.
    assert.deepEqual([network, process_stats], [undefined, undefined]);
    assert.deepEqual(await named(node), { container: [], network: [] });
  },
};

const whole: Check = {
  name: 'statistics, with PodAndContainerStatsFromCRI',
  run: async (node) => {
    const { network, process_stats } = await measured(node);
    await assertResourceMetrics(node);
    assert.equal(network?.name, 'eth0');
    assert.equal(typeof network.rxBytes, 'number');
    assert.ok((process_stats?.process_count ?? 0) >= 1);
    const metrics = await named(node);
    assert.ok(metrics.container.includes('container_cpu_usage_seconds_total'), metrics.container.join(' '));
    assert.ok(metrics.network.includes('container_network_receive_bytes_total'), metrics.network.join(' '));
  },
};

export const DEFAULT_STATS: readonly Check[] = [partly];
export const CRI_STATS: readonly Check[] = [whole];
