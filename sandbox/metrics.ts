/** What a monitoring system asks of all pods at once: statistics, and what only it wants to know. */

import fs from 'node:fs/promises';
import { ShortCache } from '../runtime/cgroups/short-cache.js';
import type { Container } from './container-record.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { processUsage } from './process-usage.js';
import { measured, statsOfContainer, statsOfPod } from './stats.js';
import type { ContainerMetricsView, FilesystemView, PodMetricsView } from './types.js';

/** Pods that are looked at together. */
const AT_ONCE = 8;

export class PodMetrics {
  readonly #node: Node;
  /** By pod: to look again within a second would tell a monitoring system nothing. */
  readonly #views: ShortCache<PodMetricsView>;

  constructor(node: Node) {
    this.#node = node;
    this.#views = new ShortCache(async (id) => {
      const pod = node.pods.find(id);
      return pod === undefined ? undefined : metricsOfPod(node, pod);
    });
  }

  /** Every pod that is ready, with its containers that run, in turn. */
  async *all(): AsyncGenerator<PodMetricsView, void, undefined> {
    const ready = [...this.#node.pods.values()].filter(({ record }) => record.state === 'ready');
    this.#views.retain(new Set(ready.map(({ id }) => id)));
    for (let start = 0; start < ready.length; start += AT_ONCE) {
      const views = await Promise.all(ready.slice(start, start + AT_ONCE).map(({ id }) => this.#views.get(id)));
      for (const view of views) if (view !== undefined) yield view;
    }
  }
}

async function metricsOfPod(node: Node, pod: Pod): Promise<PodMetricsView> {
  const running = node.containersOf(pod.id).filter(({ record }) => record.state === 'running');
  const filesystem = await filesystemOf(node.parts.root);
  const [stats, details, containers] = await Promise.all([
    statsOfPod(node, pod),
    measured(node, { pod: pod.id }, () => node.parts.sampler.detailsCached(pod.record.cgroup)),
    Promise.all(running.map((container) => metricsOfContainer(node, container, filesystem))),
  ]);
  return { stats, cgroupPath: pod.record.cgroup, details, containers };
}

async function metricsOfContainer(
  node: Node,
  container: Container,
  filesystem: FilesystemView | undefined,
): Promise<ContainerMetricsView> {
  const { cgroup, pid } = container.record;
  const [stats, details] = await Promise.all([
    statsOfContainer(node, container),
    measured(node, { container: container.id }, () => node.parts.sampler.detailsCached(cgroup)),
  ]);
  const processes = await processUsage(pid, details?.processes ?? []);
  return { stats, cgroupPath: cgroup, details, processes, filesystem };
}

/** The file system that all writable layers share; undefined where it does not answer. */
async function filesystemOf(root: string): Promise<FilesystemView | undefined> {
  const stat = await fs.statfs(root).catch(() => undefined);
  if (stat === undefined) return undefined;
  return { totalBytes: stat.blocks * stat.bsize, inodesTotal: stat.files, inodesFree: stat.ffree };
}
