/**
 * How often memory ran out in a container that has ended. Its cgroup counts it; but systemd takes a scope away with its
 * last process, as a rule before anyone could read. On cgroup v2 the pod's cgroup has counted it too (cgroup-v2.rst:
 * memory.events is of the whole subtree), so there it is what no other container is known to have had.
 */

import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import type { Pod, PodRecord } from './pod-record.js';

/** Whether scopes go by themselves, and their pod's count can stand in for theirs. */
function isCountedByPod({ parts }: Node): boolean {
  return parts.cgroupDriver.name === 'systemd' && parts.cgroups.version === 2;
}

/** To be called once for each end of a container: what is told here is the pod's past afterwards. */
export async function oomKillsOf(node: Node, { record }: Container): Promise<number> {
  const { cgroups } = node.parts;
  const pod = node.pods.find(record.podId);
  if (!isCountedByPod(node) || pod === undefined) return (await cgroups.oomKills(record.cgroup)) ?? 0;
  return pod.oomCounting.run(async () => {
    const kills = (await cgroups.oomKills(record.cgroup)) ?? (await unexplained(node, pod, record));
    if (kills > 0) await node.updatePod(pod, ({ oomKills = 0 }) => ({ oomKills: oomKills + kills }));
    return kills;
  });
}

/** `oomKills` of a new pod's record: a client's cgroup can have had a pod before. */
export async function oomKillsBefore(node: Node, cgroup: string): Promise<Pick<PodRecord, 'oomKills'>> {
  const kills = isCountedByPod(node) ? await node.parts.cgroups.oomKills(cgroup) : undefined;
  return kills === undefined || kills === 0 ? {} : { oomKills: kills };
}

/** 0 where another pod runs in the same cgroup: then nobody can say whose they were. */
async function unexplained(node: Node, { id, record: pod }: Pod, container: ContainerRecord): Promise<number> {
  const { cgroups } = node.parts;
  const others = [...node.pods.values()].filter((other) => other.id !== id && other.record.cgroup === pod.cgroup);
  if (others.some(({ record }) => record.state !== 'not-ready')) return 0;
  let known = pod.oomKills ?? 0;
  for (const { cgroup } of node.runningBeside(container)) known += (await cgroups.oomKills(cgroup)) ?? 0;
  return Math.max(0, ((await cgroups.oomKills(pod.cgroup)) ?? 0) - known);
}
