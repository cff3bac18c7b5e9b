/**
 * The contract between pods and what isolates them. A backend knows nothing of gRPC, of the network's making or of
 * records; it is given facts and makes processes.
 */

import type { Duplex } from 'node:stream';
import type { CgroupSample } from '../runtime/cgroups/sampler.js';
import type { ContainerConfig } from '../runtime/containers/config.js';
import type { KeptContainer } from '../runtime/keeper/protocol.js';
import type { OciResources, OciSpec } from '../runtime/spec/types.js';
import type { SandboxCapabilities, VolumeDecision } from '../volumes/types.js';
import type { PodConfig } from './config.js';
import type { ContainerRecord } from './container-record.js';
import type { PodRecord } from './pod-record.js';
import type { ExecSpec, SessionStreams } from './streams.js';
import type { ExecSyncResult } from './types.js';

export interface SandboxBackend {
  readonly capabilities: SandboxCapabilities;
  /** Throws for what no pod of this backend can have, naming the field. */
  checkPod(config: PodConfig): void;
  /** The same for a container. */
  checkContainer(config: ContainerConfig): void;
  /** Namespaces (or the VM), the pod's own files and cgroup: everything but the network. Undoes itself on failure. */
  prepare(pod: PodRecord): Promise<void>;
  /** What has to wait until the network is there: the hosts file, the init of a shared PID namespace. */
  finish(pod: PodRecord): Promise<void>;
  /** Makes the pod's network namespace what its network left there, which is about to be taken back. Idempotent, never throws. */
  beforeDetach(pod: PodRecord): Promise<void>;
  /** Takes back `prepare` and `finish`, in whatever state they are. Idempotent. */
  release(pod: PodRecord): Promise<void>;
  /** True while what `prepare` made still stands. */
  alive(pod: PodRecord): Promise<boolean>;
  /** Takes up again what is done for a pod while it runs, which has run on without cribd. */
  takeUp(pod: PodRecord): Promise<void>;
  /** Lets go of everything; pods go on. */
  close(): void;
  /** Files that the pod gives each container: path in the container to path on the host. */
  podFiles(pod: PodRecord): readonly { readonly destination: string; readonly source: string }[];
  /** Path of a pod's shared PID namespace. */
  sharedPidNamespace(pod: PodRecord): Promise<string>;
  /** Path of a container's PID namespace, for another that joins it; undefined when it has ended. */
  pidNamespaceOf(container: ContainerRecord): string | undefined;
  /** Why the pod's volume in `directory` cannot be inside of its sandbox; undefined: it can. */
  guestObstacle(pod: PodRecord, directory: string): string | undefined;
  /** What of `spec` the runtime of this backend gets, for the container `id`, whose volumes go these ways. */
  containerSpec(pod: PodRecord, id: string, spec: OciSpec, volumes: readonly VolumeDecision[]): OciSpec;

  /** Where the container's processes are, and what it uses is counted. */
  cgroupOf(pod: PodRecord, containerId: string): string;
  /** Throws FAILED_PRECONDITION where a new container cannot be there: it is frozen, or has processes that are none of it. */
  checkCgroup(pod: PodRecord, containerId: string): Promise<void>;
  /** `others` are the containers of the pod that run. */
  start(container: ContainerRecord, bundle: string, others: readonly ContainerRecord[]): Promise<KeptContainer>;
  execSync(
    container: ContainerRecord,
    command: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecSyncResult>;
  /** At start-up: ends commands in a container that runs, of a cribd and a keeper which have both died. */
  endLeftCommands(container: ContainerRecord): Promise<void>;
  /** These three as in Sessions (streams.ts), for a container that runs and a pod that is ready. */
  exec(container: ContainerRecord, spec: ExecSpec, streams: SessionStreams, signal: AbortSignal): Promise<number>;
  attach(container: ContainerRecord, streams: SessionStreams, signal: AbortSignal): Promise<void>;
  connect(pod: PodRecord, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Writes what the container holds in memory to `images` and calls `then`, all while it stands still; it goes on after it. */
  checkpoint(container: ContainerRecord, images: string, timeoutMs: number, then: () => Promise<void>): Promise<void>;
  /** Lets a container go on that a checkpoint had stopped when cribd was killed. */
  resume(container: ContainerRecord): Promise<void>;
  /** `container` has the new limits already; `ofRuntime` is what an OCI runtime is told of them. `others` as for `start`. */
  update(container: ContainerRecord, ofRuntime: OciResources, others: readonly ContainerRecord[]): Promise<void>;
  /** Of a container that runs; undefined when it has ended. */
  stats(container: ContainerRecord): Promise<CgroupSample | undefined>;
  /** Clears away what the runtime keeps of a container, and processes that are left of it. Idempotent. */
  clear(container: ContainerRecord): Promise<void>;
  /** At start-up: removes what is left of pods that are none of `podIds`. */
  sweep(podIds: ReadonlySet<string>): Promise<void>;
}
