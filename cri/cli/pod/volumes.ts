/** Makes the volumes of a manifest, and finds what each container mounts. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { attempting, CribError, messageOf } from '../../../runtime/errors.js';
import { createEmptyDir } from '../../../volumes/local.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import type { ContainerManifest, MountManifest, PodManifest, VolumeManifest } from '../manifest.js';

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

/** What a container mounts. A subPath that is not there yet is made, as the kubelet does. */
export function bindMounts(container: ContainerManifest, volumes: VolumePaths): Promise<BoundMount[]> {
  return Promise.all(
    container.mounts.map(async (mount) => ({
      containerPath: mount.path,
      hostPath: await sourceOf(mount, volumes),
      readonly: mount.readOnly,
    })),
  );
}

async function sourceOf(mount: MountManifest, volumes: VolumePaths): Promise<string> {
  const volume = volumes.get(mount.volume);
  if (volume === undefined) throw new CribError('INTERNAL', `volume ${mount.volume} was not made`);
  return mount.subPath === '' ? volume : resolveSubPath(volume, mount.subPath);
}

/** The path that is given to the daemon has no symlink in it: one that leads out of the volume is refused here. */
async function resolveSubPath(volume: string, subPath: string): Promise<string> {
  const refuse = (why: string): never => {
    throw new CribError('INVALID_ARGUMENT', `subPath ${subPath} ${why}`);
  };
  if (path.isAbsolute(subPath) || subPath.split('/').includes('..')) refuse('must stay below its volume');
  const base = await fs.realpath(volume);
  let at = base;
  for (const part of subPath.split('/').filter((part) => part !== '' && part !== '.')) {
    at = await fs.realpath(path.join(at, part)).catch(() => path.join(at, part));
    if (at !== base && !at.startsWith(`${base}/`)) refuse('leads out of its volume by a symlink');
    await fs.mkdir(at, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return at;
}
