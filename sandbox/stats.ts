/** Statistics of containers and pods: one read of the cgroup's files, cached for a second. */

import path from 'node:path';
import type { CgroupSample } from '../runtime/cgroups/sampler.js';
import { messageOf } from '../runtime/errors.js';
import type { Container, ContainerRecord } from './container-record.js';
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
  const sample = record.state === 'running' ? await sampleOf(node, record) : undefined;
  return {
    container: container.view(),
    cgroup: sample?.stats,
    nanoCores: sample?.nanoCores,
    writableLayer: node.parts.writableLayers.usage(record.id, upperOf(node, record.id)),
  };
}

/** One that cannot be measured now must not cost all others of a list their figures. */
async function sampleOf(node: Node, record: ContainerRecord): Promise<CgroupSample | undefined> {
  try {
    return await node.parts.handlers.existing(record.runtime).stats(record);
  } catch (error) {
    node.parts.log.warn({ container: record.id, error: messageOf(error) }, 'what a container uses could not be read');
    return undefined;
  }
}

/** The pod's own cgroup counts everything in it, also what crib adds; the containers that run are listed beside. */
export async function statsOfPod(node: Node, pod: Pod): Promise<PodStatsView> {
  const containers = node.containersOf(pod.id).filter(({ record }) => record.state === 'running');
  const [sample, interfaces, perContainer] = await Promise.all([
    pod.record.state === 'ready' ? node.parts.sampler.statsCached(pod.record.cgroup) : undefined,
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
