/** What a container has on the host beside its record and its processes: mounts, and its bundle. */

import path from 'node:path';
import { unmountRootfs } from '../runtime/containers/rootfs.js';
import { removeCopies } from '../runtime/oci/environment.js';
import { removeSmallTree } from '../runtime/remove-tree.js';
import { step } from '../runtime/steps.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import { unmountImageVolumes } from './image-volumes.js';

/**
 * Unmounts everything in `bundle`, then removes it. Idempotent. A mount that cannot be taken down keeps the bundle:
 * removing its files would remove those of the volume that is mounted there.
 */
export async function releaseBundle(bundle: string): Promise<void> {
  await unmountBundle(bundle);
  await removeBundle(bundle);
}

/** Idempotent. */
export async function unmountBundle(bundle: string): Promise<void> {
  await step('release-bundle/rootfs', () => unmountRootfs(path.join(bundle, 'rootfs')));
  await step('release-bundle/image-volumes', async () => unmountImageVolumes(bundle));
  await step('release-bundle/volumes', async () => releaseOwned(ownedDirectory(bundle)));
}

/** Of what unmountBundle has unmounted. Idempotent. */
export async function removeBundle(bundle: string): Promise<void> {
  await step('release-bundle/files', async () => {
    removeCopies(bundle);
    await removeSmallTree(bundle);
  });
}
