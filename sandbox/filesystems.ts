/** What the CRI calls the file systems of images and of containers' writable layers. */

import fs from 'node:fs/promises';
import path from 'node:path';

export interface FilesystemNames {
  readonly images: string;
  readonly containers: string;
}

/**
 * One name where both lie on one file system: a kubelet takes two different ones for two disks, with thresholds and
 * garbage collection of their own (KEP-4191). Directories that are mounts of their own under `root` go by their path.
 */
export async function filesystemNames(root: string): Promise<FilesystemNames> {
  const [layers, containers] = [path.join(root, 'layers'), path.join(root, 'containers')];
  await Promise.all([layers, containers].map((directory) => fs.mkdir(directory, { recursive: true, mode: 0o700 })));
  const [ofRoot, ofLayers, ofContainers] = await Promise.all(
    [root, layers, containers].map(async (directory) => (await fs.stat(directory)).dev),
  );
  const images = ofLayers === ofRoot ? root : layers;
  if (ofContainers === ofLayers) return { images, containers: images };
  return { images, containers: ofContainers === ofRoot ? root : containers };
}
