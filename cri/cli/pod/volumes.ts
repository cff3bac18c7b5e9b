/** Makes the volumes of a manifest, and finds what each container mounts. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { attempting, CribError, messageOf } from '../../../runtime/errors.js';
import type { Log } from '../../../runtime/log.js';
import { createEmptyDir } from '../../../volumes/local.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import { bindSubPath } from '../../../volumes/local-sub-path.js';
import type { ContainerManifest, PodManifest, VolumeManifest } from '../manifest.js';

/** Volume name to its directory (or file, of a hostPath). */
export type VolumePaths = ReadonlyMap<string, string>;

export interface BoundMount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
}

/** Makes all volumes. What it made before it failed goes with `removeLocalPod`. */
export async function makeVolumes(localPods: string, uid: string, manifest: PodManifest): Promise<VolumePaths> {
  const paths = new Map<string, string>();
  for (const volume of manifest.volumes) {
    try {
      paths.set(volume.name, await makeVolume(localPods, uid, volume, manifest.fsGroup));
    } catch (error) {
      throw attempting(`volume ${volume.name}`, error);
    }
  }
  return paths;
}

async function makeVolume(
  localPods: string,
  uid: string,
  volume: VolumeManifest,
  fsGroup: number | undefined,
): Promise<string> {
  switch (volume.kind) {
    case 'emptyDir':
      return createEmptyDir(localPods, uid, volume.name, {
        medium: volume.memory ? 'Memory' : '',
        ...(volume.sizeLimit === undefined ? {} : { sizeLimitBytes: volume.sizeLimit }),
        ...(fsGroup === undefined ? {} : { fsGroup }),
      });
    case 'literals':
      return createConfigVolume(localPods, uid, volume.name, volume.files);
    case 'hostPath':
      return checkHostPath(volume.path);
  }
}

async function checkHostPath(hostPath: string): Promise<string> {
  if (!path.isAbsolute(hostPath)) throw new CribError('INVALID_ARGUMENT', `hostPath ${hostPath} must be absolute`);
  try {
    await fs.stat(hostPath);
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `hostPath ${hostPath}: ${messageOf(cause)}`, { cause });
  }
  return hostPath;
}

/** Where a pod without a kubelet has its volumes. */
export interface LocalPod {
  readonly localPods: string;
  readonly uid: string;
  /** A line for the person who looks on: what the pod has done to its volumes. */
  readonly say: (line: string) => void;
}

/** What a container mounts. A subPath that is not there yet is made, as the kubelet does. */
export async function bindMounts(
  pod: LocalPod,
  container: ContainerManifest,
  volumes: VolumePaths,
): Promise<BoundMount[]> {
  const watch = { pod: pod.uid, log: logTo(pod.say) };
  const bound = container.mounts.map(async (mount, index) => {
    const directory = volumes.get(mount.volume);
    if (directory === undefined) throw new CribError('INTERNAL', `volume ${mount.volume} was not made`);
    const { subPath, volume } = mount;
    const part = { podUid: pod.uid, volume, container: container.name, index, directory, subPath };
    const hostPath = subPath === '' ? directory : await bindSubPath(pod.localPods, part, watch);
    return { containerPath: mount.path, hostPath, readonly: mount.readOnly };
  });
  return Promise.all(bound);
}

function logTo(say: (line: string) => void): Log {
  const nothing = () => {};
  const error: Log['error'] = (fields, message) => say(`${message}: ${JSON.stringify(fields)}`);
  return { debug: nothing, info: nothing, warn: nothing, error };
}
