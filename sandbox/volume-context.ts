/** What a container's volumes are decided by: its pod's sandbox, the policy of its handler, and the volumes that are there. */

import path from 'node:path';
import { ownedDirectory } from '../volumes/owned.js';
import { podRoutesOf } from '../volumes/policy.js';
import type { SandboxCapabilities, VolumeContext } from '../volumes/types.js';
import { verityRequestsOf } from '../volumes/verity/request.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { settledVolumes } from './settled-volumes.js';

/** Of the container that is being made. */
export interface ContainerPlace {
  readonly id: string;
  /** Where its root file system is mounted. */
  readonly rootfs: string;
  /** SELinux label of its volumes; empty: none. */
  readonly label: string;
  /** The container's own, beside its pod's. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Throws what is wrong with the annotations about routes and verified volumes. */
export function volumeContext(node: Node, pod: Pod, { id, rootfs, label, annotations }: ContainerPlace): VolumeContext {
  const { volumes, podObjects } = node.parts;
  const { handler, config } = pod.record;
  const capabilities = capabilitiesOf(node, pod);
  const policy = volumes.policyOf(handler, capabilities);
  return {
    capabilities,
    policy,
    podRoutes: podRoutesOf(config.annotations, policy, capabilities),
    podUid: config.metadata.uid,
    earlier: settledVolumes(node, pod),
    ...(podObjects === undefined ? {} : { declared: (name: string) => podObjects.volume(config.metadata, name) }),
    guestObstacle: (directory) => node.backend(pod.record).guestObstacle(pod.record, directory),
    rootfs,
    roots: volumes.roots,
    owned: ownedDirectory(node.bundle(id)),
    overlays: path.join(node.containerRecords.directory(id), 'overlays'),
    withoutSubmounts: leavesOutSubmounts(node, pod),
    label,
    verity: verityRequestsOf({ ...config.annotations, ...annotations }),
    signal: pod.ending,
  };
}

/** Out of a user namespace no mount gets back to the host: there, all of the host's are slaves (mount_namespaces(7)). */
function capabilitiesOf(node: Node, { record }: Pod): SandboxCapabilities {
  const { capabilities } = node.backend(record);
  return record.namespaces.user === undefined ? capabilities : { ...capabilities, bidirectionalPropagation: false };
}

function leavesOutSubmounts(node: Node, { record }: Pod): boolean {
  return record.namespaces.user !== undefined && !node.backend(record).capabilities.submountsInUserNamespace;
}
