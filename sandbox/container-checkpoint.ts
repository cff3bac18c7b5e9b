/** CheckpointContainer: what a running container is at this moment, as an archive. The container goes on running. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { writeCheckpointArchive } from '../runtime/containers/checkpoint-archive.js';
import { attempting, CribError } from '../runtime/errors.js';
import type { ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import { upperOf } from './stats.js';

/** Containers of which a checkpoint is being made. */
const underWay = new WeakMap<Node, Set<string>>();

/**
 * Throws FAILED_PRECONDITION when the container does not run, when its checkpoint is being made already, or when CRIU is
 * not there or cannot work here; DEADLINE_EXCEEDED after `timeoutMs`. On failure neither archive nor images are left.
 */
export async function checkpointContainer(node: Node, id: string, location: string, timeoutMs: number): Promise<void> {
  const { record } = node.containers.get(id);
  if (record.state !== 'running') {
    const message = `container ${record.id} is ${record.state}; only one that runs can be checkpointed`;
    throw new CribError('FAILED_PRECONDITION', message);
  }
  await requireDirectory(location);
  const busy = underWay.get(node) ?? new Set();
  underWay.set(node, busy);
  if (busy.has(record.id)) {
    throw new CribError('FAILED_PRECONDITION', `a checkpoint of container ${record.id} is being made already`);
  }
  busy.add(record.id);
  try {
    await checkpoint(node, record, location, timeoutMs);
  } catch (error) {
    throw attempting(`checkpointing container ${record.id.slice(0, 13)}`, error);
  } finally {
    busy.delete(record.id);
  }
}

/** The images are as large as the container's memory: they are written to the disk, beside its writable layer. */
async function checkpoint(node: Node, record: ContainerRecord, location: string, timeoutMs: number): Promise<void> {
  const directory = checkpointDirectory(node, record.id);
  const checkpointedTime = new Date().toISOString();
  try {
    await fs.rm(directory, { recursive: true, force: true });
    await fs.mkdir(directory, { recursive: true, mode: 0o700 });
    const source = {
      directory,
      upper: upperOf(node, record.id),
      spec: path.join(node.bundle(record.id), 'config.json'),
      config: {
        id: record.id,
        name: record.config.metadata.name,
        rootfsImage: record.imageId,
        rootfsImageRef: record.imageRef,
        rootfsImageName: record.config.image.userSpecifiedImage || record.config.image.image,
        runtime: record.runtime,
        createdTime: new Date(Number(BigInt(record.createdAt) / 1_000_000n)).toISOString(),
        checkpointedTime,
        restored: false,
      },
    };
    const archive = () => writeCheckpointArchive(source, location);
    const images = path.join(directory, 'checkpoint');
    await node.parts.handlers.existing(record.runtime).checkpoint(record, images, timeoutMs, archive);
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

async function requireDirectory(location: string): Promise<void> {
  const parent = path.dirname(location);
  const facts = await fs.stat(parent).catch(() => undefined);
  if (facts?.isDirectory() === true) return;
  throw new CribError('FAILED_PRECONDITION', `location: ${parent} is not a directory on this node`);
}

/** Settles what a crash in the middle left: a container that stands still, and half an image of it. */
export async function abandonCheckpoint(node: Node, record: ContainerRecord): Promise<void> {
  const directory = checkpointDirectory(node, record.id);
  const left = await fs.stat(directory).then(
    () => true,
    () => false,
  );
  if (!left) return;
  if (record.state === 'running') await node.parts.handlers.existing(record.runtime).resume(record);
  await fs.rm(directory, { recursive: true, force: true });
}

function checkpointDirectory(node: Node, id: string): string {
  return path.join(node.containerRecords.directory(id), 'checkpoint');
}
