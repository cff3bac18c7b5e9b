/** Pods and containers as the CRI shows them. */

import { nameOf } from '../../../runtime/images/catalog.js';
import type { ImageStore } from '../../../runtime/images/types.js';
import type { ContainerView, PodView } from '../../../sandbox/types.js';
import * as api from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';
import { signalValue } from './container-config.js';
import { resourcesMessage } from './resources.js';

const CONTAINER_STATES: Readonly<Record<ContainerView['state'], number>> = {
  created: api.ContainerState.CONTAINER_CREATED,
  running: api.ContainerState.CONTAINER_RUNNING,
  exited: api.ContainerState.CONTAINER_EXITED,
  unknown: api.ContainerState.CONTAINER_UNKNOWN,
};
const MODES = { pod: 0, container: 1, node: 2, target: 3 } as const;
const PROPAGATIONS = { private: 0, 'host-to-container': 1, bidirectional: 2 } as const;

export function podState(view: PodView): number {
  return view.state === 'ready' ? api.PodSandboxState.SANDBOX_READY : api.PodSandboxState.SANDBOX_NOTREADY;
}

export function containerState(state: ContainerView['state']): number {
  return CONTAINER_STATES[state];
}

/** For ListPodSandbox. */
export function podMessage(view: PodView): DeepPartial<api.PodSandbox> {
  return {
    id: view.id,
    metadata: view.config.metadata,
    state: podState(view),
    createdAt: view.createdAt,
    labels: view.config.labels,
    annotations: view.config.annotations,
    runtimeHandler: view.handler,
  };
}

export function podStatusMessage(view: PodView): DeepPartial<api.PodSandboxStatus> {
  const [ip = '', ...additional] = view.ips;
  const { network, pid, ipc, targetId, user } = view.config.security.namespaces;
  return {
    ...podMessage(view),
    network: { ip, additionalIps: additional.map((address) => ({ ip: address })) },
    linux: {
      namespaces: {
        options: {
          network: MODES[network],
          pid: MODES[pid],
          ipc: MODES[ipc],
          targetId,
          ...(user === undefined ? {} : { usernsOptions: { mode: MODES.pod, ...user } }),
        },
      },
    },
  };
}

/** For ListContainers. */
export function containerMessage(view: ContainerView): DeepPartial<api.Container> {
  return {
    id: view.id,
    podSandboxId: view.podId,
    metadata: view.config.metadata,
    image: imageSpec(view),
    imageRef: view.imageRef,
    imageId: view.imageId,
    state: containerState(view.state),
    createdAt: view.createdAt,
    labels: view.config.labels,
    annotations: view.config.annotations,
  };
}

export function containerStatusMessage(
  view: ContainerView,
  images: Pick<ImageStore, 'find'>,
): DeepPartial<api.ContainerStatus> {
  const { uid, gid, additionalGids } = view.user;
  return {
    id: view.id,
    metadata: view.config.metadata,
    state: containerState(view.state),
    createdAt: view.createdAt,
    startedAt: view.startedAt,
    finishedAt: view.finishedAt,
    exitCode: view.exitCode,
    image: { ...imageSpec(view), image: imageName(view, images) },
    imageRef: view.imageRef,
    imageId: view.imageId,
    reason: view.reason,
    message: view.message,
    labels: view.config.labels,
    annotations: view.config.annotations,
    mounts: view.config.mounts.map((mount) => ({
      ...mount,
      image: mount.image === undefined ? undefined : { ...mount.image, image: digestOf(mount.image.image, images) },
      propagation: PROPAGATIONS[mount.propagation],
    })),
    logPath: view.logPath,
    resources: { linux: resourcesMessage(view.resources) },
    user: { linux: { uid: BigInt(uid), gid: BigInt(gid), supplementalGroups: additionalGids.map(BigInt) } },
    stopSignal: signalValue(view.stopSignal),
  };
}

/** Image volumes are shown by digest, for the pod's status to say what is mounted (KEP-5365). */
function digestOf(image: string, images: Pick<ImageStore, 'find'>): string {
  return images.find(image)?.digests[0] ?? image;
}

/**
 * What people read in a pod's status. A kubelet creates containers by image id: shown is the name that the pod asks for,
 * while the image has it, else any that it has, a tag before a digest.
 */
function imageName(view: ContainerView, images: Pick<ImageStore, 'find'>): string {
  const { image: given, userSpecifiedImage } = view.config.image;
  const image = images.find(view.imageId);
  if (image === undefined) return given;
  const asked = nameOf(userSpecifiedImage || given);
  const names = [...image.tags, ...image.digests];
  return names.find((name) => name === asked) ?? names[0] ?? given;
}

function imageSpec(view: ContainerView): DeepPartial<api.ImageSpec> {
  const { image, userSpecifiedImage, annotations } = view.config.image;
  return { image, userSpecifiedImage, annotations };
}
