/** RemovePodSandbox: stops what runs, removes the containers, forgets the pod. Idempotent. */

import fs from 'node:fs/promises';
import { removeContainer } from './container-remove.js';
import type { Node } from './node.js';
import { type Pod, podKey } from './pod-record.js';
import { NETWORK_TIMEOUT_MS, stop } from './pod-stop.js';

/** Removes a pod with all its containers. What is not there is no error. */
export async function removePod(node: Node, id: string): Promise<void> {
  const pod = node.pods.find(id);
  if (pod !== undefined) await pod.serial.run(() => remove(node, pod));
}

async function remove(node: Node, pod: Pod): Promise<void> {
  if (node.pods.find(pod.id) === undefined) return;
  await stop(node, pod);
  await Promise.all(node.containersOf(pod.id).map((container) => removeContainer(node, container.id)));
  await node.parts.network.detach(pod.id, AbortSignal.timeout(NETWORK_TIMEOUT_MS));
  await fs.rm(node.podDirectory(pod.id), { recursive: true, force: true });
  await node.podRecords.remove(pod.id);
  node.emit('deleted', pod.id, pod.id);
  node.pods.delete(pod.id);
  node.podNames.delete(podKey(pod.record.config));
}
