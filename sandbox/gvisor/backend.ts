/**
 * The `gvisor` backend: a pod is one sentry, gVisor's kernel in user space, in the pod's network namespace and cgroup. Its
 * root container starts with the pod; the others join it, and their processes are the sentry's, not the host's.
 */

import path from 'node:path';
import type { Duplex } from 'node:stream';
import { allDone } from '../../runtime/all-done.js';
import type { CgroupSample } from '../../runtime/cgroups/sampler.js';
import { type ContainerConfig, NO_LIMITS } from '../../runtime/containers/config.js';
import { unmountAll } from '../../runtime/containers/rootfs.js';
import { makeDirectory } from '../../runtime/durable-file.js';
import { messageOf } from '../../runtime/errors.js';
import type { KeptContainer } from '../../runtime/keeper/protocol.js';
import { RUNTIME_ENVIRONMENT } from '../../runtime/oci/environment.js';
import { CONSOLE_SOCKET, type ContainerTarget } from '../../runtime/oci/oci-runtime.js';
import { removeTree } from '../../runtime/remove-tree.js';
import type { OciResources, OciSpec } from '../../runtime/spec/types.js';
import { step } from '../../runtime/steps.js';
import type { SandboxCapabilities, VolumeDecision } from '../../volumes/types.js';
import type { SandboxBackend } from '../backend.js';
import type { PodConfig } from '../config.js';
import type { ContainerRecord } from '../container-record.js';
import { attachSession } from '../kept/attach-session.js';
import { createKept, runtimeLog, stdioOf } from '../kept/create-kept.js';
import type { ExecPlace } from '../kept/exec-files.js';
import { execSession } from '../kept/exec-session.js';
import { execSync } from '../kept/exec-sync.js';
import { endLeftCommands } from '../kept/left-command.js';
import { pinNamespaces } from '../pod/namespaces.js';
import { ownerOf } from '../pod/owners.js';
import { preparePodCgroup, releasePodCgroup } from '../pod/pod-cgroup.js';
import { makePodFiles, podFiles, writeHosts } from '../pod/pod-files.js';
import type { PodRecord } from '../pod-record.js';
import type { ExecSpec, SessionStreams } from '../streams.js';
import type { ExecSyncResult } from '../types.js';
import { GuestVolumes } from './guest-volumes.js';
import { sentryLimits } from './limits.js';
import type { GvisorBackendParts } from './parts.js';
import { containersIn, ownPidNamespace, runscRoot, sandboxName, sharedPidNamespace } from './places.js';
import { forwardPort } from './port-forward.js';
import { checkContainer, checkPod, unable } from './refusals.js';
import { returnAddresses } from './return-addresses.js';
import { rootShell } from './root-shell.js';
import { innerKillOf, watchOf } from './runsc.js';
import { Sentries } from './sentries.js';
import { sentrySpec } from './spec.js';
import { SentryUsage } from './usage.js';

/** `watchedCopies` is for the host to say. */
export const GVISOR_CAPABILITIES: SandboxCapabilities = {
  guest: true,
  guestLocal: ['tmpfs', 'dir'],
  drivers: { 'guest-local': 'tmpfs of the sentry', 'host-shared': 'gofer' },
  idmap: false,
  idmapObstacle: 'gVisor has one user namespace for all of its containers',
  recursiveReadOnly: true,
  submountsInUserNamespace: true,
  bidirectionalPropagation: false,
};

export class GvisorBackend implements SandboxBackend {
  readonly capabilities: SandboxCapabilities;
  readonly #parts: GvisorBackendParts;
  readonly #sentries: Sentries;
  readonly #volumes: GuestVolumes;
  readonly #usage: SentryUsage;

  constructor(parts: GvisorBackendParts) {
    this.#parts = parts;
    this.#sentries = new Sentries(parts);
    this.#volumes = new GuestVolumes({
      ...parts.volumes,
      directoryOf: ({ id }) => this.#podDirectory(id),
      shell: rootShell(parts.runtime, (pod) => this.#sentries.target(pod)),
      log: parts.log,
    });
    this.capabilities = { ...GVISOR_CAPABILITIES, watchedCopies: parts.volumes.busybox !== '' };
    this.#usage = new SentryUsage(parts.runtime, parts.sampler);
  }

  checkPod(config: PodConfig): void {
    checkPod(config);
  }

  checkContainer(config: ContainerConfig): void {
    checkContainer(config);
  }

  async prepare(pod: PodRecord): Promise<void> {
    const directory = this.#podDirectory(pod.id);
    const pins = path.join(directory, 'ns');
    await makeDirectory(pins, 0o700);
    await allDone([
      step('prepare-pod/files', () => makePodFiles(pod, directory)),
      step('prepare-pod/cgroup', () => preparePodCgroup(this.#parts.cgroups, pod)),
    ]);
    const network = { kinds: ['net'] as const, directory: pins, hostname: '', sysctls: {} };
    await step('prepare-pod/namespaces', async () => pinNamespaces(network));
  }

  /** The sentry takes over what the pod's interfaces have when it starts, so it starts now that they are there. */
  async finish(pod: PodRecord): Promise<void> {
    await step('finish-pod/hosts', () => writeHosts(pod, this.#podDirectory(pod.id)));
    const additions = await step('finish-pod/volumes', () => this.#volumes.settle(pod));
    await step('finish-pod/init', () => this.#sentries.start(pod, this.#podDirectory(pod.id), additions));
    await step('finish-pod/copies', () => this.#volumes.follow(pod));
  }

  takeUp(pod: PodRecord): Promise<void> {
    return this.#volumes.takeUp(pod);
  }

  close(): void {
    this.#volumes.close();
  }

  guestObstacle(pod: PodRecord, directory: string): string | undefined {
    return this.#volumes.obstacle(pod, directory);
  }

  async beforeDetach(pod: PodRecord): Promise<void> {
    await returnAddresses(this.#parts.runtime, pod).catch((error: unknown) => {
      this.#parts.log.debug({ pod: pod.id, error: messageOf(error) }, 'addresses are not on the interface any more');
    });
  }

  async release(pod: PodRecord): Promise<void> {
    const directory = this.#podDirectory(pod.id);
    await step('release-pod/init', () => this.#sentries.stop(pod));
    await step('release-pod/volumes', () => this.#volumes.release(pod));
    await step('release-pod/unmount', () => unmountAll([path.join(directory, 'ns/net')]));
    await step('release-pod/files', () => removeTree(directory));
    await step('release-pod/cgroup', () => releasePodCgroup(this.#parts.cgroups, pod));
    this.#parts.sampler.forget(pod.cgroup);
  }

  alive(pod: PodRecord): Promise<boolean> {
    return this.#sentries.alive(pod);
  }

  /** Shared memory is the sentry's own, and the pod's (mount-hints.ts). */
  podFiles(pod: PodRecord): { destination: string; source: string }[] {
    return podFiles(pod, this.#podDirectory(pod.id)).filter(({ destination }) => destination !== '/dev/shm');
  }

  async sharedPidNamespace(pod: PodRecord): Promise<string> {
    return sharedPidNamespace(pod.id);
  }

  pidNamespaceOf({ id, podId, config }: ContainerRecord): string {
    return config.security.namespaces.pid === 'pod' ? sharedPidNamespace(podId) : ownPidNamespace(id);
  }

  containerSpec(pod: PodRecord, id: string, spec: OciSpec, volumes: readonly VolumeDecision[]): OciSpec {
    return sentrySpec(pod, id, spec, (mounts) => this.#volumes.mounts(pod, mounts, volumes));
  }

  cgroupOf(pod: PodRecord): string {
    return this.#sentries.cgroup(pod);
  }

  /** Its sentry is in it. */
  async checkCgroup(pod: PodRecord): Promise<void> {
    this.#parts.cgroups.requireThawed(this.cgroupOf(pod));
  }

  async start(container: ContainerRecord, bundle: string, others: readonly ContainerRecord[]): Promise<KeptContainer> {
    const { runtime, cgroups } = this.#parts;
    cgroups.requireThawed(container.cgroup);
    await this.#limit(container, others);
    const target = this.#target(container);
    const stdio = stdioOf(container);
    const console = stdio.tty ? { consoleSocket: CONSOLE_SOCKET } : {};
    const createArgv = runtime.runArgv({ ...target, bundle, ...console });
    const request = {
      id: container.id,
      bundle,
      createArgv,
      stdio,
      cgroupDirs: [],
      watch: watchOf(runtime, target, sandboxName(container.podId)),
    };
    return createKept(this.#parts, request, () => this.clear(container));
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
    return forwardPort(this.#parts.runtime, this.#sentries.target(pod), port, signal);
  }

  async checkpoint(): Promise<void> {
    throw unable('CheckpointContainer', 'runsc checkpoints whole sandboxes, in a format of its own');
  }

  async resume(): Promise<void> {}

  update(container: ContainerRecord, _resources: OciResources, others: readonly ContainerRecord[]): Promise<void> {
    return this.#limit(container, others);
  }

  async stats(container: ContainerRecord): Promise<CgroupSample | undefined> {
    const target = this.#target(container);
    return this.#usage.of(target, container.cgroup, (await containersIn(target.root)) === 1);
  }

  /** Also when the sentry is gone, and with it all that runsc knew. */
  async clear(container: ContainerRecord): Promise<void> {
    const target = this.#target(container);
    if ((await containersIn(target.root)) > 0) await this.#parts.runtime.delete(target);
    this.#usage.forget(container.id);
  }

  async sweep(podIds: ReadonlySet<string>): Promise<void> {
    await this.#sentries.sweep(new Set([...podIds].map(sandboxName)));
  }

  async #limit(container: ContainerRecord, others: readonly ContainerRecord[]): Promise<void> {
    const limits = sentryLimits([container, ...others].map(({ resources }) => resources));
    await this.#parts.cgroups.apply(container.cgroup, { ...NO_LIMITS, ...limits });
  }

  #target({ id, podId }: ContainerRecord): ContainerTarget {
    const { state } = this.#parts;
    return { id, root: runscRoot(state, podId), log: runtimeLog(path.join(state, 'containers', id)) };
  }

  #podDirectory(id: string): string {
    return path.join(this.#parts.state, 'pods', id);
  }

  #execPlace(container: ContainerRecord): ExecPlace {
    const { keeper, runtime, state } = this.#parts;
    const bundle = path.join(state, 'containers', container.id);
    const target = this.#target(container);
    const place = { keeper, runtime, env: RUNTIME_ENVIRONMENT, bundle, owner: ownerOf(container) };
    return { ...place, runtimeRoot: target.root, innerKill: innerKillOf(runtime, target) };
  }
}
