/** The volumes of a pod as people see them: each once, with who mounts it, what serves it and how much it holds. */

import type { VolumeDecision } from '../volumes/types.js';
import type { ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import type { Used } from './volume-usage.js';

export interface VolumeMountView {
  readonly container: string;
  readonly containerId: string;
  readonly containerPath: string;
  readonly readonly: boolean;
  /** What of the volume is mounted; empty: all of it. */
  readonly subPath: string;
}

export interface VolumeView extends Pick<VolumeDecision, 'kind' | 'route' | 'reason' | 'driver' | 'sizeLimitBytes'> {
  /** In the pod's manifest, else the path on the host; of what has neither, the path in the container. */
  readonly name: string;
  /** Empty where nothing of the host serves it. */
  readonly hostPath: string;
  readonly usedBytes?: number;
  /** It holds more than `usedBytes`: the tree is too large to be walked. */
  readonly usedIsPartial?: boolean;
  readonly mounts: readonly VolumeMountView[];
  /** Other pods of this node that mount it: `namespace/name`. */
  readonly otherPods: readonly string[];
}

/** How long a person waits at most for the first figure of each volume. */
const FIRST_MEASURE_MS = 300;

/** Of the containers that are there, running or not. */
export async function volumesOfPod(node: Node, pod: Pod): Promise<VolumeView[]> {
  const records = [...node.containers.values()].map(({ record }) => record);
  const own = records.filter(({ podId }) => podId === pod.id);
  const groups = new Map<string, Mounted[]>();
  for (const record of own) {
    for (const decision of record.volumes) {
      const key = keyOf(decision, record.id);
      groups.set(key, [...(groups.get(key) ?? []), { record, decision }]);
    }
  }
  const elsewhere = otherPods(node, pod, records);
  return Promise.all(
    [...groups].map(async ([key, mounted]) => viewOf(mounted, elsewhere.get(key) ?? [], await usedBy(node, mounted))),
  );
}

/** A decision with what its volume holds, and the others that mount it: `container:path` in this pod, and other pods. */
export interface ContainerVolumeView extends VolumeDecision {
  readonly usedBytes?: number;
  readonly usedIsPartial?: boolean;
  readonly sharedWith: readonly string[];
}

export async function volumesOfContainer(node: Node, record: ContainerRecord): Promise<ContainerVolumeView[]> {
  const pod = node.pods.find(record.podId);
  const views = pod === undefined ? [] : await volumesOfPod(node, pod);
  return record.volumes.map((decision) => {
    const isThis = (mount: VolumeMountView) =>
      mount.containerId === record.id && mount.containerPath === decision.containerPath;
    const view = views.find(({ mounts }) => mounts.some(isThis));
    const others = view?.mounts.filter((mount) => !isThis(mount)) ?? [];
    return {
      ...decision,
      ...(view?.usedBytes === undefined ? {} : { usedBytes: view.usedBytes }),
      ...(view?.usedIsPartial === undefined ? {} : { usedIsPartial: view.usedIsPartial }),
      sharedWith: [
        ...others.map(({ container, containerPath }) => `${container}:${containerPath}`),
        ...(view?.otherPods ?? []).map((name) => `pod ${name}`),
      ],
    };
  });
}

interface Mounted {
  readonly record: ContainerRecord;
  readonly decision: VolumeDecision;
}

/** What nothing of the host serves is the container's own. */
function keyOf({ volume, realPath, hostPath, containerPath }: VolumeDecision, containerId: string): string {
  const path = volume?.directory ?? realPath ?? hostPath;
  return path === '' ? `${containerId}:${containerPath}` : path;
}

function otherPods(node: Node, pod: Pod, records: readonly ContainerRecord[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { podId, id, volumes } of records) {
    const metadata = podId === pod.id ? undefined : node.pods.find(podId)?.record.config.metadata;
    if (metadata === undefined) continue;
    const name = `${metadata.namespace}/${metadata.name}`;
    for (const key of new Set(volumes.map((decision) => keyOf(decision, id)))) {
      const names = found.get(key) ?? [];
      if (!names.includes(name)) found.set(key, [...names, name]);
    }
  }
  return found;
}

/** Of those that end somewhere: a hostPath may be the whole disk, and a network's file system may be dead. */
async function usedBy(node: Node, mounted: readonly Mounted[]): Promise<Used | undefined> {
  const { volumeUsage } = node.parts;
  const { kind, volume, realPath } = mounted[0]?.decision ?? {};
  const directory = volume?.directory ?? realPath;
  if (directory === undefined) return undefined;
  if (kind === 'emptydir-memory' || kind === 'hugepages') return volumeUsage.ofFilesystem(directory);
  const isTree = kind === 'emptydir' || kind === 'config' || kind === 'docker-volume';
  return isTree ? volumeUsage.ofTree(directory, FIRST_MEASURE_MS) : undefined;
}

function viewOf(mounted: readonly Mounted[], others: readonly string[], used: Used | undefined): VolumeView {
  const [first] = mounted;
  if (first === undefined) throw new TypeError('a volume without a mount');
  const { kind, route, reason, driver, sizeLimitBytes, volume, hostPath, realPath, containerPath } = first.decision;
  const place = volume?.directory ?? realPath ?? hostPath;
  return {
    name: volume?.name ?? (place || containerPath),
    kind,
    route,
    reason,
    ...(driver === undefined ? {} : { driver }),
    hostPath: place,
    ...(sizeLimitBytes === undefined ? {} : { sizeLimitBytes }),
    ...(used === undefined ? {} : { usedBytes: used.bytes }),
    ...(used?.complete === false ? { usedIsPartial: true } : {}),
    mounts: mounted.map(({ record, decision }) => ({
      container: record.config.metadata.name,
      containerId: record.id,
      containerPath: decision.containerPath,
      readonly: decision.readonly,
      subPath: decision.volume?.subPath ?? '',
    })),
    otherPods: [...others],
  };
}
