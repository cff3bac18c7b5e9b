/** Taking back what the network gave a pod. */

import type { Node } from './node.js';
import type { PodRecord } from './pod-record.js';

/**
 * Idempotent. The sandbox may have changed the namespace that the network looks at, also of a pod that was still being
 * made, whose own record has no addresses yet.
 */
export async function detachNetwork(node: Node, pod: PodRecord, timeoutMs: number): Promise<void> {
  const ips = pod.ips.length > 0 ? pod.ips : node.parts.network.addressesOf(pod.id);
  await node.backend(pod).beforeDetach({ ...pod, ips });
  await node.parts.network.detach(pod.id, AbortSignal.timeout(timeoutMs));
}
