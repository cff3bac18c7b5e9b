/**
 * CreateContainer: the root file system is mounted, the user looked up, every volume routed and the OCI bundle
 * written. No process yet: the OCI runtime is called by StartContainer, so that a command that cannot run shows as
 * ContainerCannotRun in the status, as a kubelet expects.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { ContainerConfig } from '../runtime/containers/config.js';
import { newId } from '../runtime/containers/ids.js';
import { mountRootfs, rootfsPaths } from '../runtime/containers/rootfs.js';
import { isSignal, signalNumber } from '../runtime/containers/signals.js';
import { attempting, CribError } from '../runtime/errors.js';
import type { ImageRecord } from '../runtime/images/types.js';
import { selinuxLabels } from '../runtime/spec/selinux.js';
import { step } from '../runtime/steps.js';
import { Undo } from '../runtime/undo.js';
import type { PodConfig } from './config.js';
import { buildBundle } from './container-bundle.js';
import { Container, type ContainerRecord, containerKey } from './container-record.js';
import { releaseBundle } from './container-release.js';
import { imageVolumeChains, mountImageVolumes } from './image-volumes.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { requireReady } from './pod-stop.js';
import { sameConfig } from './same-config.js';
import { checkSameUserNamespace } from './user-namespace.js';
import { stopOnPanic } from './volume-panic.js';

/**
 * Makes a container and returns its id. The same request again gets the container that is there; ALREADY_EXISTS when
 * its name and attempt are taken by a different one.
 */
export async function createContainer(
  node: Node,
  podId: string,
  config: ContainerConfig,
  podConfig: PodConfig | undefined,
): Promise<string> {
  const pod = node.pods.get(podId);
  requireReady(pod);
  const key = containerKey(pod.id, config);
  const earlier = node.containerNames.get(key);
  if (earlier !== undefined) return joinEarlier(node, await earlier, config);
  const creation = create(node, pod, config, podConfig);
  node.containerNames.set(key, creation);
  try {
    return await creation;
  } catch (error) {
    node.containerNames.delete(key);
    await stopOnPanic(node, pod, error);
    throw attempting(`creating container ${config.metadata.name} in pod ${pod.id.slice(0, 13)}`, error);
  }
}

function joinEarlier(node: Node, id: string, config: ContainerConfig): string {
  const container = node.containers.get(id);
  if (sameConfig(container.record.config, config)) return id;
  throw new CribError(
    'ALREADY_EXISTS',
    `container ${config.metadata.name}, attempt ${config.metadata.attempt}, is already in the pod as ${id}, and differs`,
  );
}

async function create(
  node: Node,
  pod: Pod,
  config: ContainerConfig,
  podConfig: PodConfig | undefined,
): Promise<string> {
  checkSameUserNamespace(pod.record, config);
  node.parts.handlers.get(pod.record.handler).checkContainer(config);
  const image = node.parts.images.find(config.image.image);
  if (image === undefined) {
    throw new CribError('NOT_FOUND', `image ${config.image.image} is not on this node; pull it first`);
  }
  const id = newId();
  await node.backend(pod.record).checkCgroup(pod.record, id);
  const bundle = node.bundle(id);
  const imageVolumes = imageVolumeChains(node.parts.images, config.mounts);
  const chain = [...new Set([image.chain, ...imageVolumes.values()].flat())];
  node.layersHeld.set(id, chain);
  await node.unfinished.retry();
  const container = await Undo.guard(node.unfinished, async (undo) => {
    undo.push('create-container/undo', () => takeBack(node, id));
    const paths = rootfsPaths(node.containerRecords.directory(id), bundle);
    const layers = node.parts.images.layerPaths(image.chain);
    const label = selinuxLabels(config.security, node.parts.host)?.mount;
    await step('create-container/rootfs', () => mountRootfs(layers, paths, pod.record.namespaces.user, label));
    const mounts = await step('create-container/image-volumes', () =>
      mountImageVolumes(node.parts.images, bundle, config.mounts, imageVolumes),
    );
    const request = { id, config: { ...config, mounts }, image, rootfs: paths.target };
    const { spec, ...made } = await step('create-container/bundle', () => buildBundle(node, pod, request));
    await step('create-container/spec', async () =>
      fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 }),
    );
    const base = newRecord(node, pod, id, config, image, podConfig);
    const record: ContainerRecord = { ...base, ...made, chain };
    requireReady(pod);
    // Not for a power cut, which leaves nothing of what is recorded here: neither bundle nor writable layer.
    await step('create-container/record', () => node.containerRecords.save(record, false));
    // The pod may have been stopped meanwhile, and so have looked for its containers already.
    requireReady(pod);
    return new Container(record);
  }).finally(() => node.layersHeld.delete(id));
  node.containers.add(container);
  node.emit('created', id, pod.id);
  return id;
}

/** Its record first: what cannot be taken back now, the next start then takes for a container that never was. */
async function takeBack(node: Node, id: string): Promise<void> {
  await step('create-container/forget', () => node.containerRecords.forget(id));
  await releaseBundle(node.bundle(id));
  await node.containerRecords.remove(id);
}

type Base = Omit<ContainerRecord, 'chain' | 'user' | 'volumes' | 'cgroup' | 'hasHooks'>;

function newRecord(
  node: Node,
  pod: Pod,
  id: string,
  config: ContainerConfig,
  image: ImageRecord,
  podConfig: PodConfig | undefined,
): Base {
  const logDirectory = podConfig?.logDirectory || pod.record.config.logDirectory;
  const logged = logDirectory !== '' && config.logPath !== '';
  return {
    version: 1,
    id,
    podId: pod.id,
    config,
    imageId: image.id,
    imageRef: image.digests[0] ?? image.id,
    state: 'created',
    createdAt: node.createdAfter(node.containersOfSiblings(pod)),
    startedAt: '0',
    finishedAt: '0',
    exitCode: 0,
    reason: '',
    message: '',
    logPath: logged ? path.join(logDirectory, config.logPath) : '',
    resources: config.resources,
    stopSignal: stopSignalOf(config.stopSignal, image.run.stopSignal),
    runtime: node.parts.handlers.runtimeOf(pod.record.handler),
    pid: 0,
    startTime: '',
  };
}

/**
 * What the client asks for, else the image. Throws INVALID_ARGUMENT for a client's that this system does not have; what an
 * image says that is no signal must not keep its containers from being stopped.
 */
export function stopSignalOf(asked: string, ofImage: string): string {
  if (asked !== '') {
    signalNumber(asked);
    return asked;
  }
  return isSignal(ofImage) ? ofImage : 'SIGTERM';
}
