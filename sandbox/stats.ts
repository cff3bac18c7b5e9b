/** Statistics of containers and pods: one read of the cgroup's files, cached for a second. */

import path from 'node:path';
import { messageOf } from '../runtime/errors.js';
import type { Container } from './container-record.js';
import { readInterfaceStats } from './network/interface-stats.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import type { ContainerStatsView, InterfaceStats, PodStatsView } from './types.js';

/** The container's writable layer. */
export function upperOf(node: Node, id: string): string {
  return path.join(node.containerRecords.directory(id), 'upper');
}

/** A container that has exited has no cgroup figures any more. */
export async function statsOfContainer(node: Node, container: Container): Promise<ContainerStatsView> {
  const { record } = container;
  const read = () => node.parts.handlers.existing(record.runtime).stats(record);
  const sample = record.state === 'running' ? await measured(node, { container: record.id }, read) : undefined;
  return {
    container: container.view(),
    cgroup: sample?.stats,
    nanoCores: sample?.nanoCores,
    writableLayer: node.parts.writableLayers.usage(record.id, upperOf(node, record.id)),
  };
}

/** What cannot be measured now must not cost all others of a list their figures: undefined, and said in the log. */
export async function measured<T>(
  node: Node,
  of: Readonly<Record<string, string>>,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    node.parts.log.warn({ ...of, error: messageOf(error) }, 'what a container or pod uses could not be read');
    return undefined;
  }
}

/** The pod's own cgroup counts everything in it, also what crib adds; the containers that run are listed beside. */
export async function statsOfPod(node: Node, pod: Pod): Promise<PodStatsView> {
  const containers = node.containersOf(pod.id).filter(({ record }) => record.state === 'running');
  const read = () => node.parts.sampler.statsCached(pod.record.cgroup);
  const [sample, interfaces, perContainer] = await Promise.all([
    pod.record.state === 'ready' ? measured(node, { pod: pod.id }, read) : undefined,
    interfacesOf(node, pod),
    Promise.all(containers.map((container) => statsOfContainer(node, container))),
  ]);
  return {
    pod: pod.view(),
    cgroup: sample?.stats,
    nanoCores: sample?.nanoCores,
    interfaces,
    containers: perContainer,
  };
}

/** Counted through any process of the pod: /proc/PID/net/dev shows that process's network namespace. */
async function interfacesOf(node: Node, pod: Pod): Promise<readonly InterfaceStats[]> {
  if (pod.record.namespaces.network === 'host') return [];
  const running = node.containersOf(pod.id).find((container) => container.record.state === 'running');
  return running === undefined ? [] : readInterfaceStats(running.record.pid);
}
