/**
 * Limits of a gVisor pod's containers. The host's kernel sees one sentry and not whose memory and time it uses, so what
 * the containers may have together is what the sentry may have, with its own share. Where one of them is not limited,
 * neither is the sentry; then the pod's own cgroup holds it, whose limits a kubelet sets.
 */

import type { Resources } from '../../runtime/containers/config.js';

/** Bytes of sentry and gofers themselves: 36 MB idle, and page tables, sockets and buffers with load. */
const OWN_MEMORY = 64 << 20;
/** Microseconds; CPU quotas of different periods are added up as of this one. */
const PERIOD = 100_000;
const UNLIMITED = -1;

/** The sentry's limits: every field that it names is to be set, -1 where there is none. */
export function sentryLimits(containers: readonly Resources[]): Partial<Resources> {
  const memory = sumOf(containers.map(({ memoryLimit }) => memoryLimit));
  const quota = sumOf(containers.map(({ cpuQuota, cpuPeriod }) => (cpuQuota * PERIOD) / (cpuPeriod || PERIOD)));
  const shares = containers.reduce((sum, { cpuShares }) => sum + cpuShares, 0);
  return {
    memoryLimit: memory === UNLIMITED ? UNLIMITED : memory + OWN_MEMORY,
    cpuPeriod: PERIOD,
    cpuQuota: Math.round(quota),
    cpuShares: shares,
  };
}

/** Zero and less: not limited. */
function sumOf(limits: readonly number[]): number {
  if (limits.length === 0 || limits.some((limit) => limit <= 0)) return UNLIMITED;
  return limits.reduce((sum, limit) => sum + limit, 0);
}
