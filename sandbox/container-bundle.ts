/** From a container's configuration to its OCI bundle: who it runs as, what it mounts, which namespaces it joins. */

import os from 'node:os';
import { inject, resolveCdi } from '../runtime/cdi/inject.js';
import type { ContainerConfig } from '../runtime/containers/config.js';
import { CribError } from '../runtime/errors.js';
import type { ImageRecord } from '../runtime/images/types.js';
import { resolveApparmor } from '../runtime/spec/apparmor/resolve.js';
import { buildSpec } from '../runtime/spec/build.js';
import { hostDevices, resolveDevices } from '../runtime/spec/devices.js';
import { loadLocalhostSeccomp } from '../runtime/spec/seccomp/localhost.js';
import { selinuxLabels } from '../runtime/spec/selinux.js';
import type { NamespacePaths, OciSpec, ResolvedMount, ResolvedUser, SpecInput } from '../runtime/spec/types.js';
import { resolveUser } from '../runtime/spec/users.js';
import { declaredVolumes } from '../volumes/declared.js';
import { makeBehindSymlinks } from '../volumes/mount-points.js';
import { prepareVolumes } from '../volumes/prepare.js';
import { relabel } from '../volumes/relabel.js';
import type { VolumeDecision } from '../volumes/types.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { volumeContext } from './volume-context.js';

export interface BundleRequest {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly image: ImageRecord;
  /** Where the root file system is mounted. */
  readonly rootfs: string;
}

export interface Bundle {
  readonly spec: OciSpec;
  readonly user: ResolvedUser;
  readonly volumes: readonly VolumeDecision[];
  readonly cgroup: string;
  /** The OCI runtime runs hooks, also when the container is deleted. */
  readonly hasHooks: boolean;
}

/** Gathers the facts and builds the OCI spec. Throws what the client can mend as INVALID_ARGUMENT, naming the field. */
export async function buildBundle(node: Node, pod: Pod, request: BundleRequest): Promise<Bundle> {
  const { id, config, image, rootfs } = request;
  const { cdiSpecDirs, host, log } = node.parts;
  const { cgroupDriver } = node.parts;
  const cgroup = node.backend(pod.record).cgroupOf(pod.record, id);
  const [user, devices, localhostSeccomp, apparmorProfile, namespaces] = await Promise.all([
    resolveUser(rootfs, config.security, image.run.user),
    resolveDevices(config.devices),
    loadLocalhostSeccomp(config.security),
    resolveApparmor(config.security, host),
    namespacesOf(node, pod, config),
  ]);
  const label = selinuxLabels(config.security, host)?.mount ?? '';
  // Not beside the others: what it mounts must not come after the undo of one of them that failed.
  const volumes = await prepareVolumes(
    config.mounts,
    volumeContext(node, pod, { id, rootfs, label, annotations: config.annotations }),
  );
  const mounts = volumes.flatMap(({ mount, submounts = [] }) => (mount === undefined ? [] : [mount, ...submounts]));
  const { metadata, hostname, security } = pod.record.config;
  const cdi = await resolveCdi(config, user, cdiSpecDirs, log);
  const files = podMounts(node, pod, config, mounts);
  if (label !== '') await relabelAll(files, label);
  const input: SpecInput = {
    id,
    config,
    image: image.run,
    pod: { id: pod.id, ...metadata, hostname: hostname || os.hostname(), privileged: security.privileged },
    rootfs,
    cgroupsPath: cgroupDriver.ociPath(cgroup),
    namespaces,
    user,
    mounts: [...files, ...imageMounts(pod, request, mounts), ...mounts],
    devices,
    hostDevices: config.security.privileged ? await hostDevices() : [],
    localhostSeccomp,
    apparmorProfile,
    host,
  };
  await makeBehindSymlinks(rootfs, input.mounts, pod.record.namespaces.user);
  const built = cdi === undefined ? buildSpec(input) : { ...buildSpec(inject(input, cdi)), hooks: cdi.hooks };
  const decisions = volumes.map(({ decision }) => decision);
  const spec = node.backend(pod.record).containerSpec(pod.record, id, built, decisions);
  const hasHooks = Object.keys(cdi?.hooks ?? {}).length > 0;
  return { spec, user, hasHooks, volumes: decisions, cgroup };
}

/** The pod's own files, where the client mounts nothing of its own. Read-only with the root file system. */
function podMounts(node: Node, pod: Pod, config: ContainerConfig, own: readonly ResolvedMount[]): ResolvedMount[] {
  const taken = new Set(own.map((mount) => mount.destination));
  const access = config.security.readonlyRootfs ? 'ro' : 'rw';
  return node
    .backend(pod.record)
    .podFiles(pod.record)
    .filter((file) => !taken.has(file.destination))
    .map(({ destination, source }) => ({
      destination,
      source,
      type: 'bind',
      options: ['rbind', 'rprivate', destination === '/dev/shm' ? 'rw' : access],
    }));
}

/** What the image declares as volumes is there, and is written to also where the root file system is read-only. */
function imageMounts(pod: Pod, request: BundleRequest, own: readonly ResolvedMount[]): ResolvedMount[] {
  const { config, image, rootfs } = request;
  const destinations = own.map(({ destination }) => destination);
  const mappings = pod.record.namespaces.user;
  const volumes = declaredVolumes(image.run.volumes, { rootfs, destinations, mappings });
  return config.security.readonlyRootfs ? volumes : [];
}

/** All but the host's own shared memory, which a pod of the host's IPC namespace has. */
async function relabelAll(files: readonly ResolvedMount[], label: string): Promise<void> {
  for (const { source } of files) if (source !== '/dev/shm') await relabel(source, label);
}

async function namespacesOf(node: Node, pod: Pod, config: ContainerConfig): Promise<NamespacePaths> {
  return { ...pod.record.namespaces, pid: await pidNamespace(node, pod, config) };
}

/**
 * CRI NamespaceOption.pid: the container's own, the pod's, the host's, or that of another container of the pod. A
 * container that asks for the pod's gets what the pod was made with: a pod that shares none gives it one of its own.
 */
async function pidNamespace(node: Node, pod: Pod, config: ContainerConfig): Promise<string> {
  const { pid, targetId } = config.security.namespaces;
  if (pid === 'node') return 'host';
  if (pid === 'container') return 'new';
  if (pid === 'pod') {
    const ofPod = pod.record.namespaces.pid;
    return ofPod === 'pod' ? node.backend(pod.record).sharedPidNamespace(pod.record) : ofPod;
  }
  const target = node.containers.get(targetId).record;
  const runs = target.podId === pod.id && target.state === 'running';
  const namespace = runs ? node.backend(pod.record).pidNamespaceOf(target) : undefined;
  if (namespace === undefined) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `config.linux.security_context.namespace_options.target_id: container ${targetId} does not run in this pod`,
    );
  }
  return namespace;
}
