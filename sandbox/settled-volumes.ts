/**
 * Which way the volumes of a pod go, once its containers have them: an init container's files are inside the sandbox or on
 * the host, and stay there when the container is removed.
 */

import type { VolumeDecision } from '../volumes/types.js';
import type { ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';

/** Decisions on the pod's volumes so far, also of containers that are gone. */
export function settledVolumes(node: Node, pod: Pod): VolumeDecision[] {
  const present = node.containersOf(pod.id).flatMap(({ record }) => record.volumes);
  return [...present, ...(pod.record.settledVolumes ?? [])];
}

/** Before the record of a container goes. On the host every volume goes the one way, and nothing is kept. */
export async function keepSettled(node: Node, { podId, volumes }: ContainerRecord): Promise<void> {
  const pod = node.pods.find(podId);
  const ofPod = volumes.filter(({ volume }) => volume !== undefined);
  if (ofPod.length === 0 || pod?.record.state !== 'ready' || !node.backend(pod.record).capabilities.guest) return;
  await node.updatePod(pod, ({ settledVolumes: kept = [] }) => {
    const known = new Set(kept.map(({ volume }) => volume?.directory));
    return { settledVolumes: [...kept, ...ofPod.filter(({ volume }) => !known.has(volume?.directory))] };
  });
}
