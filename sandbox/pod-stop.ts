/** StopPodSandbox: every process killed, the network taken back, the namespaces let go. Idempotent and retryable. */

import { allDone } from '../runtime/all-done.js';
import { CribError } from '../runtime/errors.js';
import { step } from '../runtime/steps.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import type { Container } from './container-record.js';
import { killContainer } from './container-stop.js';
import type { Node } from './node.js';
import { detachNetwork } from './pod-network.js';
import type { Pod } from './pod-record.js';

export const NETWORK_TIMEOUT_MS = 60_000;

/** Stops a pod and all its containers. What is not there, or stopped already, is no error. */
export async function stopPod(node: Node, id: string): Promise<void> {
  const pod = node.pods.find(id);
  if (pod !== undefined) await pod.serial.run(() => stop(node, pod));
}

/** To be called within the pod's `serial`. */
export async function stop(node: Node, pod: Pod): Promise<void> {
  if (pod.record.state === 'not-ready') return;
  pod.end();
  if (pod.record.state !== 'stopping') await node.endPod(pod, 'stopping');
  const containers = node.containersOf(pod.id);
  await step('stop-pod/containers', () => killAll(node, containers));
  // Of those that were never started: a kubelet unmounts the volumes now.
  await step('stop-pod/volumes', async () => {
    for (const { id } of containers) releaseOwned(ownedDirectory(node.bundle(id)));
  });
  await step('stop-pod/network', () => detachNetwork(node, pod.record, NETWORK_TIMEOUT_MS));
  await step('stop-pod/release', () => node.backend(pod.record).release(pod.record));
  await node.endPod(pod, 'not-ready');
  node.emit('stopped', pod.id, pod.id);
}

async function killAll(node: Node, containers: readonly Container[]): Promise<void> {
  await allDone(containers.map((container) => killContainer(node, container)));
}

/** Throws FAILED_PRECONDITION unless containers may be made in the pod. */
export function requireReady(pod: Pod): void {
  if (pod.record.state === 'ready') return;
  throw new CribError('FAILED_PRECONDITION', `pod sandbox ${pod.id} is ${pod.record.state}, not ready`);
}
