/**
 * How often memory ran out in a container that has ended. Its cgroup counts it; but systemd takes a scope away with its
 * last process, as a rule before anyone could read. On cgroup v2 the pod's slice has counted it too (cgroup-v2.rst:
 * memory.events is of the whole subtree), so there it is what no other container of the slice is known to have had.
 * Clients may put several pods into one slice.
 */

import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import type { Pod, PodRecord } from './pod-record.js';

/** Whether scopes go by themselves, and their slice's count can stand in for theirs. */
function isCountedBySlice({ parts }: Node): boolean {
  return parts.cgroupDriver.name === 'systemd' && parts.cgroups.version === 2;
}

/** To be called once for each end of a container: what is told here is the slice's past afterwards. */
export async function oomKillsOf(node: Node, { record }: Container): Promise<number> {
  const { cgroups } = node.parts;
  const pod = node.pods.find(record.podId);
  if (!isCountedBySlice(node) || pod === undefined) return (await cgroups.oomKills(record.cgroup)) ?? 0;
  return node.oomCounting.run(async () => {
    const slice = podsIn(node, pod.record.cgroup);
    const past = accountedFor(slice);
    const kills = (await cgroups.oomKills(record.cgroup)) ?? (await unexplained(node, slice, record, past));
    // In each, since each can outlive the others.
    if (kills > 0) await Promise.all(slice.map((each) => node.updatePod(each, () => ({ oomKills: past + kills }))));
    return kills;
  });
}

/** `oomKills` of a new pod's record: a client's cgroup has had pods before, or has them still. */
export async function oomKillsBefore(node: Node, cgroup: string): Promise<Pick<PodRecord, 'oomKills'>> {
  if (!isCountedBySlice(node)) return {};
  return node.oomCounting.run(async () => {
    const sharing = podsIn(node, cgroup).filter(({ record }) => record.state !== 'not-ready');
    // A kill that one of theirs is yet to be told of is not of the past.
    const kills = sharing.length > 0 ? accountedFor(sharing) : ((await node.parts.cgroups.oomKills(cgroup)) ?? 0);
    return kills === 0 ? {} : { oomKills: kills };
  });
}

function podsIn(node: Node, cgroup: string): Pod[] {
  return [...node.pods.values()].filter(({ record }) => record.cgroup === cgroup);
}

function accountedFor(slice: readonly Pod[]): number {
  return Math.max(0, ...slice.map(({ record }) => record.oomKills ?? 0));
}

async function unexplained(node: Node, slice: Pod[], ended: ContainerRecord, past: number): Promise<number> {
  const { cgroups } = node.parts;
  let kills = ((await cgroups.oomKills(slice[0]?.record.cgroup ?? '')) ?? 0) - past;
  for (const { cgroup } of slice.flatMap(({ id }) => node.runningIn(id))) {
    if (kills <= 0) return 0;
    if (cgroup !== ended.cgroup) kills -= (await cgroups.oomKills(cgroup)) ?? 0;
  }
  return Math.max(0, kills);
}
