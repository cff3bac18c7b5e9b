/**
 * The layout in which a kubelet keeps the volumes of a pod (pkg/kubelet/kubelet_getters.go, getPodVolumeDir;
 * pkg/volume/util/subpath): `<pods>/<uid>/volumes/kubernetes.io~<plugin>/<name>`, and what a container mounts by subPath
 * bound at `<pods>/<uid>/volume-subpaths/<name>/<container>/<index>`.
 */

import path from 'node:path';
import { isWithin } from './kind.js';
import type { MountFacts, PodVolume } from './types.js';

/** All that a path tells of a volume. */
export type VolumePath = Omit<PodVolume, 'isMount'>;

/**
 * The volume of the pod `podUid` that a real path is, or lies in. The uid stands for the kubelet's root, wherever that is:
 * a directory of another pod, or a copy of the tree, is none of this pod's. The outermost match counts: what a container
 * has made inside of its volume names nothing. Without a uid the path must lie below one of `kubeletRoots`.
 */
export function podVolumeAt(realPath: string, podUid: string, kubeletRoots: readonly string[]): VolumePath | undefined {
  const owner = podUid === '' ? uidBelow(realPath, kubeletRoots) : podUid;
  if (owner === undefined || owner.includes('/')) return undefined;
  const marker = `/${owner}/volumes/kubernetes.io~`;
  const at = realPath.indexOf(marker);
  if (at < 0) return undefined;
  const [plugin = '', name = '', ...rest] = realPath.slice(at + marker.length).split('/');
  if (!/^[a-z0-9-]+$/.test(plugin) || name === '') return undefined;
  const directory = `${realPath.slice(0, at)}${marker}${plugin}/${name}`;
  return { plugin, name, directory, subPath: rest.join('/') };
}

function uidBelow(realPath: string, kubeletRoots: readonly string[]): string | undefined {
  for (const root of kubeletRoots) {
    const pods = path.posix.join(root, 'pods');
    if (isWithin(realPath, pods)) return realPath.slice(pods.length + 1).split('/')[0] || undefined;
  }
  return undefined;
}

/** The name of the volume whose subPath the kubelet has bound at this path. */
export function subPathVolume(realPath: string, podUid: string): string | undefined {
  const marker = `/${podUid}/volume-subpaths/`;
  const at = podUid === '' ? -1 : realPath.indexOf(marker);
  if (at < 0) return undefined;
  const [name, container, index, ...below] = realPath.slice(at + marker.length).split('/');
  return container && /^\d+$/.test(index ?? '') && below.length === 0 ? name : undefined;
}

/** An emptyDir or a part of one. Its file system is judged by the kinds. */
export function isEmptyDir({ type, volume }: MountFacts): boolean {
  if (volume?.plugin !== 'empty-dir') return false;
  return type === 'directory' || (volume.subPath !== '' && ['file', 'socket', 'fifo'].includes(type));
}

/** How a reason begins that tells of an emptyDir. */
export function emptyDirSubject({ volume }: MountFacts): string {
  const isPart = volume !== undefined && volume.subPath !== '';
  return isPart ? `it is a part of the emptyDir "${volume.name}", whose directory` : 'its directory';
}
