/** RemoveContainer: what runs is killed; then runtime state, root file system and record go. Idempotent. */

import fs from 'node:fs/promises';
import { unmountRootfs } from '../runtime/containers/rootfs.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import { type Container, containerKey } from './container-record.js';
import { killContainer } from './container-stop.js';
import { unmountImageVolumes } from './image-volumes.js';
import type { Node } from './node.js';

/** Removes a container. What is not there is no error. */
export async function removeContainer(node: Node, id: string): Promise<void> {
  const container = node.containers.find(id);
  if (container === undefined) return;
  await killContainer(node, container);
  await container.serial.run(() => remove(node, container));
}

async function remove(node: Node, container: Container): Promise<void> {
  const { id, record } = container;
  if (node.containers.find(id) === undefined) return;
  await node.parts.keeper.forget(id);
  // The one waits for the kernel's cgroups, the other for its mounts: neither for the other. Both end before a retry.
  await allEnded([node.parts.handlers.get(record.runtime).clear(record), removeBundle(node.bundle(id))]);
  await node.containerRecords.remove(id);
  node.containers.delete(id);
  node.containerNames.delete(containerKey(record.podId, record.config));
  node.parts.writableLayers.forget(id);
  node.emit('deleted', id, record.podId);
}

async function removeBundle(bundle: string): Promise<void> {
  await unmountRootfs(`${bundle}/rootfs`);
  await unmountImageVolumes(bundle);
  releaseOwned(ownedDirectory(bundle));
  await fs.rm(bundle, { recursive: true, force: true });
}

/** Rejects as the first of them that failed, once all have ended. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
