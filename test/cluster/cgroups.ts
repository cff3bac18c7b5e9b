/** Where a kubelet's pods are in the machine's cgroups, of either version, and what limits them there. */

import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { containerId, type Pod } from './manifest.js';
import type { ClusterNode } from './node.js';
import { isGone } from './wait.js';

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const CGROUP2 = 0x63677270;

export function isCgroup2(): boolean {
  return statfsSync('/sys/fs/cgroup').type === CGROUP2;
}

export type Qos = '' | 'burstable' | 'besteffort';

/** Where a kubelet puts a pod, below each hierarchy (k8s.io/kubernetes/pkg/kubelet/cm, cgroup names). */
export function podCgroup({ cgroupDriver }: ClusterNode, { metadata }: Pod, qos: Qos): string {
  const pod = `pod${metadata.uid}`;
  if (cgroupDriver === 'cgroupfs') return join('kubepods', qos, pod);
  const words = ['kubepods', ...(qos === '' ? [] : [qos]), pod.replaceAll('-', '_')];
  return join(...words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`));
}

/** crun limits a cgroup below its scope, which systemd leaves alone. */
export async function containerCgroup(node: ClusterNode, pod: Pod, qos: Qos): Promise<string> {
  const id = containerId(pod);
  const path = join(podCgroup(node, pod, qos), node.cgroupDriver === 'cgroupfs' ? id : `crib-${id}.scope`);
  const below = join(path, 'container');
  return (await isGone(join('/sys/fs/cgroup', below))) ? path : below;
}

export async function value(controller: string, cgroup: string, file: string): Promise<string> {
  const root = isCgroup2() ? '/sys/fs/cgroup' : join('/sys/fs/cgroup', controller);
  return (await readFile(join(root, cgroup, file), 'utf8')).trim();
}

export interface Limits {
  readonly shares: string;
  readonly weight: string;
  readonly quota: string;
  readonly memory: string;
}

/** Throws where the kernel has other values. */
export async function assertLimits(cgroup: string, { shares, weight, quota, memory }: Limits): Promise<void> {
  if (isCgroup2()) {
    const max = quota === '-1' ? 'max 100000' : `${quota} 100000`;
    assert.equal(await value('', cgroup, 'cpu.max'), max);
    assert.equal(await value('', cgroup, 'memory.max'), memory);
    assert.equal(await value('', cgroup, 'cpu.weight'), weight);
    return;
  }
  assert.equal(await value('cpu', cgroup, 'cpu.shares'), shares);
  assert.equal(await value('cpu', cgroup, 'cpu.cfs_quota_us'), quota);
  const unlimited = memory === 'max' ? '9223372036854771712' : memory;
  assert.equal(await value('memory', cgroup, 'memory.limit_in_bytes'), unlimited);
}
