/** The cgroup that everything of a pod is in: crib's own where the client names no parent, else the client's. */

import type { Cgroups } from '../../runtime/cgroups/types.js';
import type { PodRecord } from '../pod-record.js';

/**
 * Makes it. The pod's limits are set on its own one only: those of a parent that the client named are the client's. Throws
 * FAILED_PRECONDITION for a frozen one.
 */
export async function preparePodCgroup(cgroups: Cgroups, pod: PodRecord): Promise<void> {
  cgroups.requireThawed(pod.cgroup);
  await cgroups.create(pod.cgroup);
  if (pod.ownsCgroup && pod.config.resources !== undefined) await cgroups.apply(pod.cgroup, pod.config.resources);
}

/** Takes away one of the pod's own, with whatever somebody has put there. Idempotent. */
export async function releasePodCgroup(cgroups: Cgroups, pod: PodRecord): Promise<void> {
  if (!pod.ownsCgroup) return;
  await cgroups.kill(pod.cgroup);
  await cgroups.remove(pod.cgroup);
}
