/** Taking back what the network gave a pod. */

import type { Node } from './node.js';
import type { PodRecord } from './pod-record.js';

/** Idempotent. The sandbox may have changed the namespace that the network looks at. */
export async function detachNetwork(node: Node, pod: PodRecord, timeoutMs: number): Promise<void> {
  await node.backend(pod).beforeDetach(pod);
  await node.parts.network.detach(pod.id, AbortSignal.timeout(timeoutMs));
}
