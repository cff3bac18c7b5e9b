/** StartContainer: the keeper runs the OCI runtime and owns what comes of it. */

import { attempting, CribError, messageOf } from '../runtime/errors.js';
import { traced } from '../runtime/traced.js';
import { ownedDirectory, releaseOwned } from '../volumes/owned.js';
import { nowNs } from './clock.js';
import { finishExit } from './container-exit.js';
import type { Container } from './container-record.js';
import type { Node } from './node.js';
import { requireReady } from './pod-stop.js';

/** What containerd and dockerd report for a container whose process could not be started. */
const CANNOT_RUN_EXIT_CODE = 128;

/** Starts a created container. Throws FAILED_PRECONDITION in any other state. */
export async function startContainer(node: Node, id: string): Promise<void> {
  const container = node.containers.get(id);
  await container.serial.run(() => start(node, container));
}

async function start(node: Node, container: Container): Promise<void> {
  const { record } = container;
  if (record.state !== 'created') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}; only a created one starts`);
  }
  const pod = node.pods.get(record.podId);
  requireReady(pod);
  const backend = node.backend(pod.record);
  try {
    const run = () => backend.start(record, node.bundle(record.id));
    const kept = await traced('run the OCI runtime', run).finally(() => letGoOfVolumes(node, record.id));
    await node.updateContainer(container, {
      state: 'running',
      pid: kept.pid,
      startTime: kept.startTime,
      startedAt: String(nowNs()),
    });
  } catch (error) {
    await cannotRun(node, container, error);
    throw attempting(`starting container ${record.config.metadata.name} (${record.id.slice(0, 13)})`, error);
  }
  node.emit('started', record.id, record.podId);
  if (container.seenExit !== undefined) await finishExit(node, container, container.seenExit);
}

/** The container has its own of them now, or never will. What cannot be unmounted is tried again by its removal. */
function letGoOfVolumes(node: Node, id: string): void {
  try {
    releaseOwned(ownedDirectory(node.bundle(id)));
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
