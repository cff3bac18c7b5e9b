/** RemovePodSandbox: stops what runs, removes the containers, forgets the pod. Idempotent. */

import { allDone } from '../runtime/all-done.js';
import { removeTree } from '../runtime/remove-tree.js';
import { step } from '../runtime/steps.js';
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
  await step('remove-pod/stop', () => stop(node, pod));
  const containers = node.containersOf(pod.id);
  await step('remove-pod/containers', () => allDone(containers.map(({ id }) => removeContainer(node, id))));
  await step('remove-pod/network', () => node.parts.network.detach(pod.id, AbortSignal.timeout(NETWORK_TIMEOUT_MS)));
  await step('remove-pod/files', () => removeTree(node.podDirectory(pod.id)));
  await step('remove-pod/record', () => node.dropPod(pod));
  node.emit('deleted', pod.id, pod.id);
  node.pods.delete(pod.id);
  node.podNames.delete(podKey(pod.record.config));
}
