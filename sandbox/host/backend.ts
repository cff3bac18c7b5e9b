/**
 * The `host` backend: a pod is a set of pinned Linux namespaces and a cgroup, a container is what an OCI runtime makes
 * in them. No process serves the pod itself, except an init where containers share one PID namespace.
 */

import path from 'node:path';
import type { Duplex } from 'node:stream';
import { allDone } from '../../runtime/all-done.js';
import type { CgroupSample } from '../../runtime/cgroups/sampler.js';
import { NO_LIMITS } from '../../runtime/containers/config.js';
import { requireReachable } from '../../runtime/containers/reachable.js';
import { unmountAll } from '../../runtime/containers/rootfs.js';
import { makeDirectory } from '../../runtime/durable-file.js';
import { messageOf } from '../../runtime/errors.js';
import type { KeptContainer } from '../../runtime/keeper/protocol.js';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { statFilesystem } from '../../runtime/linux/files.js';
import { startTimeOf } from '../../runtime/linux/processes.js';
import { RUNTIME_ENVIRONMENT, removeCopies } from '../../runtime/oci/environment.js';
import type { ContainerTarget } from '../../runtime/oci/oci-runtime.js';
import { removeTree } from '../../runtime/remove-tree.js';
import type { OciResources, OciSpec } from '../../runtime/spec/types.js';
import { step } from '../../runtime/steps.js';
import type { SandboxCapabilities } from '../../volumes/types.js';
import type { SandboxBackend } from '../backend.js';
import type { PodConfig } from '../config.js';
import type { ContainerRecord } from '../container-record.js';
import { attachSession } from '../kept/attach-session.js';
import { stdioOf } from '../kept/create-kept.js';
import type { ExecPlace } from '../kept/exec-files.js';
import { execSession } from '../kept/exec-session.js';
import { execSync } from '../kept/exec-sync.js';
import { KeptProcesses, type KeptProcessParts } from '../kept/kept-processes.js';
import { endLeftCommands } from '../kept/left-command.js';
import { type NamespaceRequest, PINNED, pinNamespaces } from '../pod/namespaces.js';
import { ownerOf } from '../pod/owners.js';
import { preparePodCgroup, releasePodCgroup } from '../pod/pod-cgroup.js';
import { makePodFiles, makePodShm, podFiles, writeHosts } from '../pod/pod-files.js';
import type { PodRecord } from '../pod-record.js';
import type { ExecSpec, SessionStreams } from '../streams.js';
import type { ExecSyncResult } from '../types.js';
import { type Checkpointed, checkpointPaused, resumePaused } from './checkpoint.js';
import { INIT_BUNDLE } from './init.js';
import { connectInNamespace } from './pod-connect.js';
import { type PodInitParts, PodInits } from './pod-init.js';
import { podSysctls } from './sysctls.js';

/** Poststop hooks are run in it. */
const DELETE_TIMEOUT_MS = 60_000;

export interface HostBackendParts extends KeptProcessParts, PodInitParts {}

export class HostBackend implements SandboxBackend {
  readonly capabilities: SandboxCapabilities;
  readonly #parts: HostBackendParts;
  readonly #kept: KeptProcesses;
  readonly #inits: PodInits;

  constructor(parts: HostBackendParts) {
    this.#parts = parts;
    this.#kept = new KeptProcesses(parts);
    this.#inits = new PodInits(parts, this.#kept);
    const { recursiveReadOnly, userNamespaces, userNamespaceObstacle, userNamespaceSubmounts } = parts.runtime.features;
    this.capabilities = {
      guest: false,
      guestLocal: [],
      idmap: userNamespaces,
      idmapObstacle: userNamespaceObstacle,
      recursiveReadOnly,
      submountsInUserNamespace: userNamespaceSubmounts,
      bidirectionalPropagation: true,
    };
  }

  async prepare(pod: PodRecord): Promise<void> {
    const directory = this.#podDirectory(pod);
    const pins = path.join(directory, 'ns');
    await makeDirectory(pins, 0o700);
    if (pod.namespaces.user !== undefined) await requireReachable(this.#parts.state);
    await allDone([
      step('prepare-pod/files', () => allDone([makePodFiles(pod, directory), makePodShm(pod, directory)])),
      step('prepare-pod/cgroup', () => preparePodCgroup(this.#parts.cgroups, pod)),
    ]);
    await step('prepare-pod/namespaces', async () => pinNamespaces(namespaceRequest(pod, pins)));
  }

  async finish(pod: PodRecord): Promise<void> {
    await step('finish-pod/hosts', () => writeHosts(pod, this.#podDirectory(pod)));
    await step('finish-pod/init', () => this.#inits.start(pod, this.#podDirectory(pod)));
  }

  async release(pod: PodRecord): Promise<void> {
    const directory = this.#podDirectory(pod);
    await step('release-pod/init', () => this.#inits.stop(pod));
    const mounted = [...PINNED.map((kind) => `ns/${kind}`), 'shm'].map((name) => path.join(directory, name));
    await step('release-pod/unmount', () => unmountAll(mounted));
    await step('release-pod/files', async () => {
      removeCopies(path.join(directory, INIT_BUNDLE));
      await removeTree(directory);
    });
    await step('release-pod/cgroup', () => releasePodCgroup(this.#parts.cgroups, pod));
    this.#parts.sampler.forget(pod.cgroup);
  }

  async alive(pod: PodRecord): Promise<boolean> {
    const kinds = [...ownKinds(pod), ...(pod.namespaces.user === undefined ? [] : ['user'])];
    const pins = kinds.map((kind) => path.join(this.#podDirectory(pod), 'ns', kind));
    if (!pins.every(isNamespace)) return false;
    return this.#inits.alive(pod);
  }

  /** Namespaces stand by themselves. */
  async takeUp(): Promise<void> {}

  close(): void {}

  guestObstacle(): undefined {}

  podFiles(pod: PodRecord): { destination: string; source: string }[] {
    return podFiles(pod, this.#podDirectory(pod));
  }

  sharedPidNamespace(pod: PodRecord): Promise<string> {
    return this.#inits.namespace(pod);
  }

  pidNamespaceOf({ pid, startTime }: ContainerRecord): string | undefined {
    return startTimeOf(pid) === startTime ? `/proc/${pid}/ns/pid` : undefined;
  }

  checkPod(config: PodConfig): void {
    podSysctls(config);
  }

  checkContainer(): void {}

  async beforeDetach(): Promise<void> {}

  /** Nothing of a pod lies outside of its directory. */
  async sweep(): Promise<void> {}

  cgroupOf(pod: PodRecord, containerId: string): string {
    return this.#parts.cgroupDriver.containerCgroup(pod.cgroup, containerId);
  }

  checkCgroup(pod: PodRecord, containerId: string): Promise<void> {
    return this.#parts.cgroups.requireUnused(this.cgroupOf(pod, containerId));
  }

  containerSpec(_pod: PodRecord, _id: string, spec: OciSpec): OciSpec {
    return spec;
  }

  start(container: ContainerRecord, bundle: string): Promise<KeptContainer> {
    return this.#kept.create(container.id, bundle, container.cgroup, stdioOf(container));
  }

  execSync(
    container: ContainerRecord,
    command: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecSyncResult> {
    return execSync(this.#execPlace(container), container.id, command, timeoutMs, signal);
  }

  endLeftCommands(container: ContainerRecord): Promise<void> {
    return endLeftCommands(this.#execPlace(container));
  }

  exec(container: ContainerRecord, spec: ExecSpec, streams: SessionStreams, signal: AbortSignal): Promise<number> {
    return execSession(this.#execPlace(container), container.id, spec, streams, signal);
  }

  attach(container: ContainerRecord, streams: SessionStreams, signal: AbortSignal): Promise<void> {
    return attachSession(this.#parts.keeper, container, streams, signal);
  }

  connect(pod: PodRecord, port: number, signal: AbortSignal): Promise<Duplex> {
    const pinned = path.join(this.#podDirectory(pod), 'ns', 'net');
    return connectInNamespace(pod.namespaces.network === 'host' ? undefined : pinned, port, signal);
  }

  checkpoint(container: ContainerRecord, images: string, timeoutMs: number, then: () => Promise<void>): Promise<void> {
    return checkpointPaused(this.#checkpointed(container), images, timeoutMs, then);
  }

  resume(container: ContainerRecord): Promise<void> {
    return resumePaused(this.#checkpointed(container));
  }

  #checkpointed({ id, cgroup }: ContainerRecord): Checkpointed {
    const { runtime, cgroups, log } = this.#parts;
    return { runtime, cgroups, log, cgroup, target: this.#target(id) };
  }

  #target(id: string): ContainerTarget {
    return { id, root: this.#kept.runtimeRoot, log: path.join(this.#parts.state, 'containers', id, 'runtime.log') };
  }

  /** An OCI runtime is not told that there is no quota (runtime/spec/resources.ts): the cgroup is. */
  async update({ id, cgroup, resources }: ContainerRecord, ofRuntime: OciResources): Promise<void> {
    const { runtime, cgroups } = this.#parts;
    const { cpuQuota, cpuPeriod } = resources;
    await runtime.update(this.#target(id), ofRuntime);
    if (cpuQuota < 0) await cgroups.apply(cgroup, { ...NO_LIMITS, cpuQuota, cpuPeriod });
  }

  stats({ cgroup }: ContainerRecord): Promise<CgroupSample | undefined> {
    return this.#parts.sampler.statsCached(cgroup);
  }

  async clear(container: ContainerRecord): Promise<void> {
    if (container.hasHooks) await this.#deleteWithHooks(container.id);
    await this.#kept.clear(container.id, container.cgroup);
  }

  /** For its poststop hooks. One that fails must not keep the container for ever. */
  async #deleteWithHooks(id: string): Promise<void> {
    try {
      await this.#parts.runtime.delete(this.#target(id), DELETE_TIMEOUT_MS);
    } catch (error) {
      this.#parts.log.warn({ container: id, error: messageOf(error) }, 'deleting a container with hooks failed');
    }
  }

  #podDirectory(pod: PodRecord): string {
    return path.join(this.#parts.state, 'pods', pod.id);
  }

  #execPlace(container: ContainerRecord): ExecPlace {
    const { keeper, runtime, state } = this.#parts;
    const bundle = path.join(state, 'containers', container.id);
    const { runtimeRoot } = this.#kept;
    return { keeper, runtime, env: RUNTIME_ENVIRONMENT, bundle, runtimeRoot, owner: ownerOf(container) };
  }
}

function namespaceRequest(pod: PodRecord, directory: string): NamespaceRequest {
  const { config, namespaces } = pod;
  const sysctls = podSysctls(config);
  return { kinds: ownKinds(pod), directory, hostname: config.hostname, sysctls, userNamespace: namespaces.user };
}

/** The kinds of which the pod has its own, without the user namespace. */
function ownKinds(pod: PodRecord) {
  const { network, ipc, uts } = pod.namespaces;
  const held = { net: network, ipc, uts };
  return (['net', 'ipc', 'uts'] as const).filter((kind) => held[kind] !== 'host');
}

function isNamespace(file: string): boolean {
  try {
    return statFilesystem(file).type === FS_MAGIC.NSFS;
  } catch {
    return false;
  }
}
