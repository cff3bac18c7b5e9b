/** What comes of a verified volume that is not what it should be, where the pod's annotation says `panic`. */

import { messageOf } from '../runtime/errors.js';
import { verityErrorIn } from '../volumes/verity/verified-volume.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { stopPod } from './pod-stop.js';

/**
 * Stops the pod if `error` is of such a volume: its containers must not go on beside one that cannot be trusted. Why is
 * in the log and in the pod's record, which `crib inspect` shows. Never throws: the client is told `error` in any case.
 */
export async function stopOnPanic(node: Node, pod: Pod, error: unknown): Promise<void> {
  const found = verityErrorIn(error);
  if (found?.action !== 'panic') return;
  const { log } = node.parts;
  const stopReason = `a verified volume is not what it should be: ${messageOf(error)}`;
  log.warn({ pod: pod.id, stopReason }, 'a pod is stopped, as its annotation asks (verity.action: panic)');
  try {
    await node.updatePod(pod, () => ({ stopReason }));
  } catch (failure) {
    log.warn({ pod: pod.id, error: messageOf(failure) }, 'why a pod is stopped could not be recorded');
  }
  try {
    await stopPod(node, pod.id);
  } catch (failure) {
    log.error(
      { pod: pod.id, error: messageOf(failure) },
      'a pod that must be stopped is not; the next stop tries again',
    );
  }
}
