/** RemoveContainer: what runs is killed; then runtime state, root file system and record go. Idempotent. */

import { allDone } from '../runtime/all-done.js';
import { codeOf } from '../runtime/errors.js';
import { forgetWhenEnded } from '../runtime/keeper/forget.js';
import type { Keeper } from '../runtime/keeper/protocol.js';
import { step } from '../runtime/steps.js';
import { type Container, containerKey } from './container-record.js';
import { removeBundle, unmountBundle } from './container-release.js';
import { killContainer } from './container-stop.js';
import type { Node } from './node.js';
import { keepSettled } from './settled-volumes.js';

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
  const backend = node.parts.handlers.existing(record.runtime);
  const bundle = node.bundle(id);
  const forgotten = () => step('remove-container/keeper', () => forget(node.parts.keeper, id));
  const clear = () => step('remove-container/clear', () => backend.clear(record));
  if (backend.capabilities.guest || record.hasHooks) {
    await forgotten();
    // Its runtime is called, and looks for what is in the bundle and in the root file system.
    await clear();
    await unmountBundle(bundle);
  } else {
    // One waits for the keeper, one for the kernel's cgroups, one for its mounts. All end before a retry.
    await allDone([forgotten(), clear(), unmountBundle(bundle)]);
  }
  // Until it has forgotten the container the keeper has its own files in it.
  await removeBundle(bundle);
  await keepSettled(node, record);
  await step('remove-container/record', () => node.dropContainer(container));
  node.containers.delete(id);
  node.containerNames.delete(containerKey(record.podId, record.config));
  node.parts.writableLayers.forget(id);
  node.emit('deleted', id, record.podId);
}

/** What runs still, although it is recorded as ended (a start that failed, and could not be undone), is killed. */
async function forget(keeper: Keeper, id: string): Promise<void> {
  try {
    await keeper.forget(id);
  } catch (error) {
    if (codeOf(error) !== 'FAILED_PRECONDITION') throw error;
    await keeper.killAll(id).catch((failure: unknown) => {
      if (codeOf(failure) !== 'NOT_FOUND') throw failure;
    });
    await forgetWhenEnded(keeper, id);
  }
}
