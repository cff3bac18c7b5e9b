/** StartContainer: the keeper runs the OCI runtime and owns what comes of it. */

import { nowNs } from '../runtime/clock.js';
import { attempting, CribError, codeOf, messageOf } from '../runtime/errors.js';
import { step } from '../runtime/steps.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import { finishExit, startOf } from './container-exit.js';
import type { Container } from './container-record.js';
import type { Node } from './node.js';
import { requireReady } from './pod-stop.js';
import { followVolumes, requireUnchanged } from './verified-volumes.js';
import { stopOnPanic } from './volume-panic.js';

/** What containerd and dockerd report for a container whose process could not be started. */
const CANNOT_RUN_EXIT_CODE = 128;

/** Starts a created container; a call while it is being started joins that. Throws FAILED_PRECONDITION in any other state. */
export async function startContainer(node: Node, id: string): Promise<void> {
  const container = node.containers.get(id);
  container.starting ??= container.serial
    .run(() => start(node, container))
    .finally(() => {
      container.starting = undefined;
    });
  try {
    await container.starting;
  } catch (error) {
    const pod = node.pods.find(container.record.podId);
    if (pod !== undefined) await stopOnPanic(node, pod, error);
    throw error;
  }
}

async function start(node: Node, container: Container): Promise<void> {
  const { record } = container;
  if (record.state !== 'created') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}; only a created one starts`);
  }
  const pod = node.pods.get(record.podId);
  requireReady(pod);
  const backend = node.parts.handlers.existing(record.runtime);
  try {
    const run = async () => {
      await requireUnchanged(record, pod.ending);
      return backend.start(record, node.bundle(record.id), node.runningBeside(record));
    };
    const kept = await step('start-container/run', run).finally(() => letGoOfVolumes(node, record.id));
    const started = startOf(container, kept);
    await step('start-container/record', () => node.updateContainer(container, started));
  } catch (error) {
    await endUnrecorded(node, record.id);
    await cannotRun(node, container, error);
    throw attempting(`starting container ${record.config.metadata.name} (${record.id.slice(0, 13)})`, error);
  }
  node.emit('started', record.id, record.podId);
  followVolumes(node, container);
  if (container.seenExit !== undefined) await finishExit(node, container, container.seenExit);
}

/** It may run without that being written down, or without an answer that says so: then it must not run. */
async function endUnrecorded(node: Node, id: string): Promise<void> {
  try {
    await step('start-container/undo', () => node.parts.keeper.killAll(id));
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return; // the keeper has none: it was never created
    node.parts.log.warn({ container: id, error: messageOf(error) }, 'a container whose start failed may still run');
  }
}

/** The container has its own of them now, or never will. What cannot be unmounted is tried again by its removal. */
async function letGoOfVolumes(node: Node, id: string): Promise<void> {
  try {
    await step('start-container/volumes', async () => releaseOwned(ownedDirectory(node.bundle(id))));
  } catch (error) {
    node.parts.log.warn({ container: id, error: messageOf(error) }, 'a volume could not be unmounted');
  }
}

async function cannotRun(node: Node, container: Container, error: unknown): Promise<void> {
  await node.endContainer(container, {
    exitCode: CANNOT_RUN_EXIT_CODE,
    reason: 'ContainerCannotRun',
    message: messageOf(error),
    startedAt: String(nowNs()),
    finishedAt: String(nowNs()),
  });
  container.markExited();
  node.emit('stopped', container.id, container.record.podId);
}
