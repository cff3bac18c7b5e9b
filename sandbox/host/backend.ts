/**
 * The `host` backend: a pod is a set of pinned Linux namespaces and a cgroup, a container is what an OCI runtime makes
 * in them. No process serves the pod itself, except an init where containers share one PID namespace.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import type { CgroupDriver } from '../../runtime/cgroups/driver.js';
import type { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import type { IdMapping } from '../../runtime/containers/config.js';
import { toHostId } from '../../runtime/containers/id-mappings.js';
import { unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { makeDirectory } from '../../runtime/durable-file.js';
import { CribError, messageOf } from '../../runtime/errors.js';
import { forgetWhenEnded } from '../../runtime/keeper/forget.js';
import type { Keeper, KeptContainer } from '../../runtime/keeper/protocol.js';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { statFilesystem } from '../../runtime/linux/files.js';
import { startTimeOf } from '../../runtime/linux/processes.js';
import type { Log } from '../../runtime/log.js';
import { CONSOLE_SOCKET, type ContainerTarget, type OciRuntime } from '../../runtime/oci/oci-runtime.js';
import type { HostFacts, OciResources } from '../../runtime/spec/types.js';
import type { SandboxCapabilities } from '../../volumes/types.js';
import type { SandboxBackend } from '../backend.js';
import type { ContainerRecord } from '../container-record.js';
import type { PodRecord } from '../pod-record.js';
import type { ExecSpec, SessionStreams } from '../streams.js';
import type { ExecSyncResult } from '../types.js';
import { attachSession } from './attach-session.js';
import { type Checkpointed, checkpointPaused, resumePaused } from './checkpoint.js';
import type { ExecPlace } from './exec-files.js';
import { execSession } from './exec-session.js';
import { execSync } from './exec-sync.js';
import { initBundle, initId } from './init.js';
import { PINNED, pinNamespaces } from './namespaces.js';
import { connectInNamespace } from './pod-connect.js';
import { makePodFiles, podFiles, writeHosts } from './pod-files.js';
import { requireReachable } from './reachable.js';
import { podSysctls } from './sysctls.js';

const CREATE_TIMEOUT_MS = 120_000;
/** Poststop hooks are run in it. */
const DELETE_TIMEOUT_MS = 60_000;
/** Longest line of a container's log before it is split (containerd's max_container_log_line_size). */
const LOG_LINE_MAX = 16 * 1024;

export interface HostBackendParts {
  /** Directory of everything that a reboot may drop. */
  readonly state: string;
  readonly keeper: Keeper;
  readonly cgroups: Cgroups;
  readonly cgroupDriver: CgroupDriver;
  readonly sampler: CgroupSampler;
  readonly runtime: OciRuntime;
  readonly host: HostFacts;
  readonly log: Log;
}

export class HostBackend implements SandboxBackend {
  readonly capabilities: SandboxCapabilities;
  readonly #parts: HostBackendParts;

  constructor(parts: HostBackendParts) {
    this.#parts = parts;
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
    await Promise.all([makePodFiles(pod, directory), this.#prepareCgroup(pod)]);
    pinNamespaces({
      kinds: ownKinds(pod),
      directory: pins,
      hostname: pod.config.hostname,
      sysctls: podSysctls(pod.config),
      userNamespace: pod.namespaces.user,
    });
  }

  async finish(pod: PodRecord): Promise<void> {
    await writeHosts(pod, this.#podDirectory(pod));
    if (pod.namespaces.pid === 'pod') await this.#startInit(pod);
  }

  async release(pod: PodRecord): Promise<void> {
    const directory = this.#podDirectory(pod);
    await this.#stopInit(pod);
    for (const kind of PINNED) unmountIfMounted(path.join(directory, 'ns', kind));
    unmountIfMounted(path.join(directory, 'shm'));
    await fs.rm(directory, { recursive: true, force: true });
    if (pod.ownsCgroup) await this.#parts.cgroups.remove(pod.cgroup);
    this.#parts.sampler.forget(pod.cgroup);
  }

  async alive(pod: PodRecord): Promise<boolean> {
    const kinds = [...ownKinds(pod), ...(pod.namespaces.user === undefined ? [] : ['user'])];
    const pins = kinds.map((kind) => path.join(this.#podDirectory(pod), 'ns', kind));
    if (!pins.every(isNamespace)) return false;
    return pod.namespaces.pid !== 'pod' || (await this.#init(pod))?.exit === undefined;
  }

  podFiles(pod: PodRecord): { destination: string; source: string }[] {
    return podFiles(pod, this.#podDirectory(pod));
  }

  async sharedPidNamespace(pod: PodRecord): Promise<string> {
    const init = await this.#init(pod);
    if (init === undefined || init.exit !== undefined || startTimeOf(init.pid) !== init.startTime) {
      throw new CribError('FAILED_PRECONDITION', `the init of pod ${pod.id}'s shared PID namespace has ended`);
    }
    return `/proc/${init.pid}/ns/pid`;
  }

  start(container: ContainerRecord, bundle: string): Promise<KeptContainer> {
    const { config } = container;
    return this.#create(container.id, bundle, container.cgroup, {
      tty: config.tty,
      stdin: config.stdin,
      stdinOnce: config.stdinOnce,
      ...ownerOf(container),
      logPath: container.logPath,
      maxLineBytes: LOG_LINE_MAX,
    });
  }

  execSync(
    container: ContainerRecord,
    command: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecSyncResult> {
    return execSync(this.#execPlace(container), container.id, command, timeoutMs, signal);
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
    return { id, root: this.#runtimeRoot(), log: path.join(this.#parts.state, 'containers', id, 'runtime.log') };
  }

  update(container: ContainerRecord, resources: OciResources): Promise<void> {
    return this.#parts.runtime.update(this.#target(container.id), resources);
  }

  /**
   * Does by hand what `delete` of the runtime does for a container whose processes have ended and that has no hooks:
   * its cgroup and its state directory go. A Go process for that takes longer than all else of a removal (docs/adr/004).
   */
  async clear(container: ContainerRecord): Promise<void> {
    if (container.hasHooks) await this.#deleteWithHooks(container.id);
    await this.#clear(container.id, container.cgroup);
  }

  /** For its poststop hooks. One that fails must not keep the container for ever. */
  async #deleteWithHooks(id: string): Promise<void> {
    try {
      await this.#parts.runtime.delete(this.#target(id), DELETE_TIMEOUT_MS);
    } catch (error) {
      this.#parts.log.warn({ container: id, error: messageOf(error) }, 'deleting a container with hooks failed');
    }
  }

  async #clear(id: string, cgroup: string): Promise<void> {
    await this.#parts.cgroups.kill(cgroup);
    await this.#parts.cgroups.remove(cgroup);
    this.#parts.sampler.forget(cgroup);
    await fs.rm(path.join(this.#runtimeRoot(), id), { recursive: true, force: true });
  }

  async #create(id: string, bundle: string, cgroup: string, stdio: Parameters<Keeper['create']>[0]['stdio']) {
    const { runtime, keeper, cgroups } = this.#parts;
    const runtimeLog = path.join(bundle, 'runtime.log');
    try {
      return await keeper.create({
        id,
        directory: path.join(bundle, 'io'),
        createArgv: runtime.runArgv({
          id,
          bundle,
          root: this.#runtimeRoot(),
          log: runtimeLog,
          ...(stdio.tty ? { consoleSocket: CONSOLE_SOCKET } : {}),
        }),
        env: runtimeEnvironment(),
        runtimeLog,
        stdio,
        createTimeoutMs: CREATE_TIMEOUT_MS,
        cgroupDirs: cgroups.directories(cgroup),
      });
    } catch (error) {
      // What cannot be cleared yet (the keeper died, and the runtime goes on for a moment) goes with the container.
      await this.#clear(id, cgroup).catch((failure: unknown) => {
        this.#parts.log.warn(
          { id, error: messageOf(failure) },
          'a container that was not created is not cleared away yet',
        );
      });
      throw error;
    }
  }

  async #prepareCgroup(pod: PodRecord): Promise<void> {
    const { cgroups } = this.#parts;
    await cgroups.create(pod.cgroup);
    if (pod.ownsCgroup && pod.config.resources !== undefined) await cgroups.apply(pod.cgroup, pod.config.resources);
  }

  async #startInit(pod: PodRecord): Promise<void> {
    const { state, host, cgroupDriver } = this.#parts;
    const bundle = await initBundle(pod, this.#podDirectory(pod), state, host, cgroupDriver);
    await this.#create(initId(pod.id), bundle, this.#initCgroup(pod), {
      tty: false,
      stdin: false,
      stdinOnce: false,
      uid: outside(pod.namespaces.user?.uids, 0),
      gid: outside(pod.namespaces.user?.gids, 0),
      logPath: '',
      maxLineBytes: LOG_LINE_MAX,
    });
  }

  #initCgroup(pod: PodRecord): string {
    return this.#parts.cgroupDriver.containerCgroup(pod.cgroup, initId(pod.id));
  }

  async #stopInit(pod: PodRecord): Promise<void> {
    if (pod.namespaces.pid !== 'pod') return;
    const id = initId(pod.id);
    await this.#parts.cgroups.kill(this.#initCgroup(pod));
    await forgetWhenEnded(this.#parts.keeper, id);
    await this.#clear(id, this.#initCgroup(pod));
  }

  async #init(pod: PodRecord): Promise<KeptContainer | undefined> {
    return (await this.#parts.keeper.list()).find((kept) => kept.id === initId(pod.id));
  }

  #podDirectory(pod: PodRecord): string {
    return path.join(this.#parts.state, 'pods', pod.id);
  }

  #execPlace(container: ContainerRecord): ExecPlace {
    const { keeper, runtime, state } = this.#parts;
    const bundle = path.join(state, 'containers', container.id);
    const runtimeRoot = this.#runtimeRoot();
    return { keeper, runtime, env: runtimeEnvironment(), bundle, runtimeRoot, owner: ownerOf(container) };
  }

  #runtimeRoot(): string {
    return path.join(this.#parts.state, 'oci', this.#parts.runtime.name);
  }
}

/** The kinds of which the pod has its own, without the user namespace. */
function ownKinds(pod: PodRecord) {
  const { network, ipc, uts } = pod.namespaces;
  const held = { net: network, ipc, uts };
  return (['net', 'ipc', 'uts'] as const).filter((kind) => held[kind] !== 'host');
}

/** Whose the stdio of a container is: its user, by the host's ids. */
function ownerOf({ config, user }: ContainerRecord): { uid: number; gid: number } {
  const mapped = config.security.namespaces.user;
  return { uid: outside(mapped?.uids, user.uid), gid: outside(mapped?.gids, user.gid) };
}

/** The host's id of a user or group of the container. */
function outside(ranges: readonly IdMapping[] | undefined, id: number): number {
  return (ranges && toHostId(ranges, id)) ?? id;
}

function isNamespace(file: string): boolean {
  try {
    return statFilesystem(file).type === FS_MAGIC.NSFS;
  } catch {
    return false;
  }
}

/** OCI runtimes get a small, known environment: nothing of cribd's own reaches them. */
function runtimeEnvironment(): Record<string, string> {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
}
