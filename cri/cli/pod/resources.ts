/** CPU and memory of a manifest as numbers for cgroups, computed as the kubelet does (pkg/kubelet/cm/helpers_linux.go). */

import type { ContainerManifest } from '../manifest.js';

/** Microseconds. */
const PERIOD = 100_000;
const MIN_QUOTA = 1_000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

export interface CgroupNumbers {
  readonly shares: number;
  /** Microseconds per period; 0: no limit. */
  readonly quota: number;
  readonly period: number;
  /** Bytes; 0: no limit. */
  readonly memory: number;
  readonly oomScoreAdj: number;
}

type Wanted = Pick<ContainerManifest, 'cpuRequest' | 'cpuLimit' | 'memoryLimit'>;

/** Of one container. A request that is not given is the limit, as the API server defaults it. */
export function containerNumbers(wanted: Wanted, oomScoreAdj: number): CgroupNumbers {
  return {
    shares: sharesOf(wanted.cpuRequest || wanted.cpuLimit),
    quota: quotaOf(wanted.cpuLimit),
    period: PERIOD,
    memory: wanted.memoryLimit,
    oomScoreAdj,
  };
}

/** Of the pod's own cgroup: sums; limited only where every container is. */
export function podNumbers(containers: readonly Wanted[]): CgroupNumbers {
  const sum = (of: (wanted: Wanted) => number) => containers.reduce((total, wanted) => total + of(wanted), 0);
  const limited = (of: (wanted: Wanted) => number) => (containers.every((wanted) => of(wanted) > 0) ? sum(of) : 0);
  return {
    shares: sharesOf(sum((wanted) => wanted.cpuRequest || wanted.cpuLimit)),
    quota: quotaOf(limited((wanted) => wanted.cpuLimit)),
    period: PERIOD,
    memory: limited((wanted) => wanted.memoryLimit),
    oomScoreAdj: 0,
  };
}

/**
 * By class of service (pkg/kubelet/qos/policy.go): a pod whose containers are all limited is killed last, one that asks
 * for nothing first; of the others those that want much of `nodeMemory` (bytes) later.
 */
export function oomScoreAdjOf(wanted: Wanted, pod: readonly Wanted[], nodeMemory: number): number {
  if (pod.every(isGuaranteed)) return GUARANTEED;
  if (pod.every(asksNothing)) return BEST_EFFORT;
  const score = BEST_EFFORT - Math.floor((BEST_EFFORT * wanted.memoryLimit) / nodeMemory);
  return Math.min(Math.max(score, BEST_EFFORT + GUARANTEED), BEST_EFFORT - 1);
}

const GUARANTEED = -997;
const BEST_EFFORT = 1000;

function isGuaranteed({ cpuRequest, cpuLimit, memoryLimit }: Wanted): boolean {
  return memoryLimit > 0 && cpuLimit > 0 && (cpuRequest === 0 || cpuRequest === cpuLimit);
}

function asksNothing({ cpuRequest, cpuLimit, memoryLimit }: Wanted): boolean {
  return cpuRequest + cpuLimit + memoryLimit === 0;
}

function sharesOf(millicores: number): number {
  const shares = Math.floor((millicores * 1024) / 1000);
  return Math.min(Math.max(shares, MIN_SHARES), MAX_SHARES);
}

function quotaOf(millicores: number): number {
  return millicores === 0 ? 0 : Math.max(Math.floor((millicores * PERIOD) / 1000), MIN_QUOTA);
}
