/** Images that a container mounts as volumes: found before anything is made, mounted in its bundle, taken down with it. */

import fs from 'node:fs';
import path from 'node:path';
import type { MountConfig } from '../runtime/containers/config.js';
import type { IdMappings } from '../runtime/containers/id-mappings.js';
import { imageVolumesDirectory, mountImage } from '../runtime/containers/image-mount.js';
import { unmountIfMounted } from '../runtime/containers/rootfs.js';
import { attempting, CribError } from '../runtime/errors.js';
import type { ImageStore } from '../runtime/images/types.js';
import { errnoName } from '../runtime/linux/libc.js';

/** What kubelets look for in the message, to say in the pod's status what went wrong (cri-api, pkg/errors). */
const MARK = 'ImageVolumeMountFailed';

/** Layers of the images that `mounts` names, by the mount's index. Throws NOT_FOUND naming the field. */
export function imageVolumeChains(
  images: Pick<ImageStore, 'find'>,
  mounts: readonly MountConfig[],
): Map<number, readonly string[]> {
  const chains = new Map<number, readonly string[]>();
  for (const [index, { image }] of mounts.entries()) {
    if (image === undefined) continue;
    const found = images.find(image.image);
    if (found === undefined) {
      const message = `${MARK}: config.mounts[${index}].image: ${image.image} is not on this node; pull it first`;
      throw new CribError('NOT_FOUND', message);
    }
    chains.set(index, found.chain);
  }
  return chains;
}

/** Mounts them, and returns `mounts` with the host paths that they have now. */
export async function mountImageVolumes(
  images: Pick<ImageStore, 'layerPaths'>,
  bundle: string,
  mounts: readonly MountConfig[],
  chains: ReadonlyMap<number, readonly string[]>,
): Promise<MountConfig[]> {
  if (chains.size === 0) return [...mounts];
  const directory = imageVolumesDirectory(bundle);
  fs.mkdirSync(directory, { recursive: true, mode: 0o755 });
  return mounts.map((mount, index) => {
    const chain = chains.get(index);
    if (chain === undefined) return mount;
    const hostPath = path.join(directory, String(index));
    try {
      mountImage(images.layerPaths(chain), hostPath, mount.imageSubPath, mappingsOf(mount));
    } catch (error) {
      throw attempting(`${MARK}: config.mounts[${index}].image: mounting ${mount.image?.image}`, error);
    }
    return { ...mount, hostPath };
  });
}

function mappingsOf({ uidMappings, gidMappings }: MountConfig): IdMappings | undefined {
  return uidMappings.length + gidMappings.length === 0 ? undefined : { uids: uidMappings, gids: gidMappings };
}

/** Unmounts all image volumes of a bundle. Idempotent. */
export function unmountImageVolumes(bundle: string): void {
  const directory = imageVolumesDirectory(bundle);
  for (const name of namesIn(directory)) unmountIfMounted(path.join(directory, name));
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}
