/**
 * Start-up: what the disk says is held against what the kernel and the keeper say. A pod that was being made is
 * undone, one that was being stopped is stopped, an exit that nobody recorded is recorded; what belongs to nothing goes.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { atOnce } from '../runtime/all-done.js';
import { atMost } from '../runtime/at-most.js';
import { unmountAll } from '../runtime/containers/rootfs.js';
import { messageOf } from '../runtime/errors.js';
import { forgetWhenEnded } from '../runtime/keeper/forget.js';
import type { KeptContainer } from '../runtime/keeper/protocol.js';
import { errnoName } from '../runtime/linux/libc.js';
import { removeTree } from '../runtime/remove-tree.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import { abandonCheckpoint } from './container-checkpoint.js';
import { finishExit, finishUnseen, startOf } from './container-exit.js';
import { Container, containerKey } from './container-record.js';
import { releaseBundle } from './container-release.js';
import { removeContainer } from './container-remove.js';
import { announceMissing } from './events/announce.js';
import type { Node } from './node.js';
import { initId } from './pod/init-rootfs.js';
import { PINNED } from './pod/namespaces.js';
import { detachNetwork } from './pod-network.js';
import { Pod, podKey } from './pod-record.js';
import { stop } from './pod-stop.js';
import { followVolumes } from './verified-volumes.js';

const DETACH_TIMEOUT_MS = 60_000;
/** Less than a service manager waits for a daemon to start. */
const SETTLE_TIMEOUT_MS = 20_000;
/** Each may wait for the disk, for a plugin, or for the kernel: a node's pods do not wait for one another. */
const AT_A_TIME = 8;

export async function reconcile(node: Node): Promise<void> {
  const journal = await node.events.open();
  await loadPods(node);
  await loadContainers(node);
  announceMissing(node, journal);
  const kept = await keptContainers(node);
  await atOnce([...node.containers.values()], AT_A_TIME, (container) =>
    attempt(node, `settle container ${container.id}`, () => settleContainer(node, container, kept.get(container.id))),
  );
  await forgetStrangers(node, kept);
  await removeStrayDirectories(node);
  const known = new Set([...node.pods.values()].map(({ id }) => id));
  for (const backend of node.parts.handlers.backends()) {
    await attempt(node, 'remove what is left of pods', () => backend.sweep(known));
  }
  await settlePods(node);
}

/** A plugin that hangs holds up its own pod: the node serves, and that one is settled behind its start. */
async function settlePods(node: Node): Promise<void> {
  const { bootId } = node.parts;
  const rebooted = [...node.pods.values()].filter(({ record }) => record.state === 'ready' && record.bootId !== bootId);
  // At once: those that wait for others below must not be taken for running meanwhile.
  await atOnce(rebooted, AT_A_TIME, (pod) =>
    attempt(node, `end pod ${pod.id}, which a reboot has ended`, () => node.endPod(pod, 'stopping')),
  );
  const left = new Set([...[...node.pods.values()].map(({ id }) => id), ...node.parts.network.attached()]);
  const settle = async (id: string) => {
    const pod = node.pods.find(id);
    await (pod === undefined ? detachStray(node, id) : pod.serial.run(() => settlePod(node, pod)));
    for (const container of node.containersOf(id)) followVolumes(node, container);
    left.delete(id);
  };
  const settled = atOnce([...left], AT_A_TIME, (id) => attempt(node, `settle pod ${id}`, () => settle(id)));
  if (await atMost(settled, SETTLE_TIMEOUT_MS)) return;
  node.parts.log.warn({ pods: [...left] }, 'pods are settled behind the start, which they would hold up');
}

async function loadPods(node: Node): Promise<void> {
  const { records, orphans } = await node.podRecords.load();
  for (const id of orphans) await attempt(node, `remove the unfinished pod ${id}`, () => node.podRecords.remove(id));
  for (const record of records) {
    await node.parts.handlers.tried(record.handler);
    const pod = new Pod(record);
    node.pods.add(pod);
    if (record.state !== 'creating') node.podNames.set(podKey(record.config), { id: Promise.resolve(record.id) });
  }
}

/**
 * Asked for once the records are loaded: an exit that the list does not have yet is told as an event, which finds its
 * container then. A create that cribd died in goes on in the keeper and is waited for: it ends as a container that runs,
 * or as none.
 */
async function keptContainers(node: Node): Promise<Map<string, KeptContainer>> {
  const { keeper, log } = node.parts;
  await keeper.settled(SETTLE_TIMEOUT_MS).catch((error: unknown) => {
    log.warn({ error: messageOf(error) }, 'a container is still being created for a daemon that has died');
  });
  return new Map((await keeper.list()).map((container) => [container.id, container]));
}

async function loadContainers(node: Node): Promise<void> {
  const { records, orphans } = await node.containerRecords.load();
  for (const id of orphans) await removeUnrecorded(node, id);
  for (const record of records) {
    await attempt(node, `end the checkpoint of container ${record.id}`, () => abandonCheckpoint(node, record));
    const container = new Container(record);
    node.containers.add(container);
    node.containerNames.set(containerKey(record.podId, record.config), Promise.resolve(record.id));
  }
}

/** A container's record was not written yet when cribd died: it never was. */
async function removeUnrecorded(node: Node, id: string): Promise<void> {
  await attempt(node, `remove the unfinished container ${id}`, async () => {
    await releaseBundle(node.bundle(id));
    await node.containerRecords.remove(id);
  });
}

async function settleContainer(node: Node, container: Container, kept: KeptContainer | undefined): Promise<void> {
  if (container.record.state === 'created' && kept === undefined) await clearStart(node, container);
  // cribd died between the runtime's success and its own note of it.
  if (container.record.state === 'created' && kept !== undefined) {
    await node.updateContainer(container, startOf(container, kept));
    node.emit('started', container.id, container.record.podId);
  }
  if (container.record.state !== 'created') releaseOwned(ownedDirectory(node.bundle(container.id)));
  if (container.record.state !== 'running') return;
  if (kept === undefined) await finishUnseen(node, container);
  const exit = kept?.exit ?? container.seenExit;
  if (exit !== undefined) await finishExit(node, container, exit);
  else if (kept !== undefined) await endLeftCommands(node, container);
}

/** What clients of an earlier cribd have run in it: nobody waits for it, nor keeps to its time limit. */
async function endLeftCommands(node: Node, { id, record }: Container): Promise<void> {
  await attempt(node, `end the commands that are left in container ${id}`, () =>
    node.parts.handlers.existing(record.runtime).endLeftCommands(record),
  );
}

/** The keeper died, and cribd with it, while a runtime started this: what that has made is in the way of the next start. */
async function clearStart(node: Node, { id, record }: Container): Promise<void> {
  await attempt(node, `clear away what is left of a start of container ${id}`, () =>
    node.parts.handlers.existing(record.runtime).clear(record),
  );
}

/** The keeper keeps something that has no record here: it is killed and forgotten. */
async function forgetStrangers(node: Node, kept: ReadonlyMap<string, KeptContainer>): Promise<void> {
  const inits = new Set([...node.pods.values()].map((pod) => initId(pod.id)));
  const strangers = [...kept.values()].filter(({ id }) => !inits.has(id) && node.containers.find(id) === undefined);
  await atOnce(strangers, AT_A_TIME, ({ id, exit }) =>
    attempt(node, `end the unrecorded container ${id}`, async () => {
      if (exit === undefined) await node.parts.keeper.killAll(id);
      await forgetWhenEnded(node.parts.keeper, id);
    }),
  );
}

/** Directories of pods and containers that were removed, or never recorded; a record that was set aside stays. */
async function removeStrayDirectories(node: Node): Promise<void> {
  for (const id of await namesIn(path.join(node.parts.state, 'containers'))) {
    if (node.containers.find(id) !== undefined) continue;
    await attempt(node, `remove the stray bundle ${id}`, () => releaseBundle(node.bundle(id)));
  }
  for (const id of await namesIn(path.join(node.parts.state, 'pods'))) {
    if (node.pods.find(id) !== undefined) continue;
    await attempt(node, `remove the stray directory of pod ${id}`, async () => {
      const directory = node.podDirectory(id);
      await unmountAll([...PINNED.map((kind) => `ns/${kind}`), 'shm'].map((pin) => path.join(directory, pin)));
      await removeTree(directory);
    });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return fs.readdir(directory).catch((error: unknown) => {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  });
}

async function settlePod(node: Node, pod: Pod): Promise<void> {
  const { record } = pod;
  await attempt(node, `settle pod ${record.id}`, async () => {
    if (record.state === 'creating') await undoCreation(node, pod);
    else if (record.state === 'stopping') await stop(node, pod);
    else if (record.state === 'ready' && !(await node.backend(record).alive(record))) await stop(node, pod);
    else if (record.state === 'ready') await node.backend(record).takeUp(record);
  });
  if (node.pods.find(record.id)?.record.state !== 'ready') await detachStray(node, record.id);
}

/** What the network gave a pod that is not there, or not any more. */
async function detachStray(node: Node, podId: string): Promise<void> {
  if (!node.parts.network.attached().includes(podId)) return;
  await attempt(node, `detach the network of pod ${podId}`, () =>
    node.parts.network.detach(podId, AbortSignal.timeout(DETACH_TIMEOUT_MS)),
  );
}

async function undoCreation(node: Node, pod: Pod): Promise<void> {
  for (const container of node.containersOf(pod.id)) await removeContainer(node, container.id);
  await detachNetwork(node, pod.record, DETACH_TIMEOUT_MS);
  await node.backend(pod.record).release(pod.record);
  await node.dropPod(pod);
  node.pods.delete(pod.id);
}

/** One object that cannot be settled does not keep the node from starting: it is reported, and tried again by the next stop or start. */
async function attempt(node: Node, what: string, operation: () => Promise<void>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    node.parts.log.error({ error: messageOf(error) }, `start-up could not ${what}`);
  }
}
