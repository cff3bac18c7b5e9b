/** The contract of the pod runtime: what `cri/` calls, and what it gets to know. */

import type { CgroupDetails, CgroupStats } from '../runtime/cgroups/types.js';
import type { ContainerConfig, Resources } from '../runtime/containers/config.js';
import type { FilesystemUsage } from '../runtime/images/types.js';
import type { ResolvedUser } from '../runtime/spec/types.js';
import type { VolumeDecision } from '../volumes/types.js';
import type { PodConfig } from './config.js';
import type { NetworkReadiness } from './network/types.js';
import type { ProcessUsage } from './process-usage.js';
import type { Sessions } from './streams.js';

export interface PodView {
  readonly id: string;
  readonly config: PodConfig;
  /** As the client named it; empty for the default. */
  readonly handler: string;
  readonly state: 'ready' | 'not-ready';
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  /** The primary address first; empty on the host's network. */
  readonly ips: readonly string[];
}

export interface ContainerView {
  readonly id: string;
  readonly podId: string;
  readonly config: ContainerConfig;
  readonly imageId: string;
  /** What the client can pull again: a repository digest where there is one, else the id. */
  readonly imageRef: string;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  /** Nanoseconds since the epoch; 0: not yet. */
  readonly createdAt: bigint;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly exitCode: number;
  /** `OOMKilled`, `Completed`, `Error`, `ContainerCannotRun`, `Unknown` or empty. */
  readonly reason: string;
  readonly message: string;
  /** Absolute; empty where the output is thrown away. */
  readonly logPath: string;
  readonly user: ResolvedUser;
  readonly resources: Resources;
  readonly stopSignal: string;
  readonly pid: number;
  readonly volumes: readonly VolumeDecision[];
}

export interface ContainerStatsView {
  readonly container: ContainerView;
  /** undefined once it has exited. */
  readonly cgroup: CgroupStats | undefined;
  /** Cores in use over the last sampling interval, in nanocores; undefined until there are two samples. */
  readonly nanoCores: bigint | undefined;
  readonly writableLayer: FilesystemUsage | undefined;
}

export interface InterfaceStats {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

export interface PodStatsView {
  readonly pod: PodView;
  readonly cgroup: CgroupStats | undefined;
  readonly nanoCores: bigint | undefined;
  readonly interfaces: readonly InterfaceStats[];
  readonly containers: readonly ContainerStatsView[];
}

/** A file system as a whole. */
export interface FilesystemView {
  readonly totalBytes: number;
  readonly inodesTotal: number;
  readonly inodesFree: number;
}

export interface ContainerMetricsView {
  readonly stats: ContainerStatsView;
  readonly cgroupPath: string;
  readonly details: CgroupDetails | undefined;
  readonly processes: ProcessUsage;
  /** Where the writable layer is. */
  readonly filesystem: FilesystemView | undefined;
}

export interface PodMetricsView {
  readonly stats: PodStatsView;
  readonly cgroupPath: string;
  readonly details: CgroupDetails | undefined;
  readonly containers: readonly ContainerMetricsView[];
}

export interface PodFilter {
  /** Full id or prefix. */
  readonly id?: string;
  readonly state?: 'ready' | 'not-ready';
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly podId?: string;
  readonly state?: ContainerView['state'];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ExecSyncResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface HandlerInfo {
  readonly name: string;
  /** What a pod without a RuntimeClass gets. */
  readonly isDefault: boolean;
  readonly available: boolean;
  /** Why it is not available, or what it runs on: `runc 1.1.5`. */
  readonly detail: string;
  readonly recursiveReadOnly: boolean;
  readonly userNamespaces: boolean;
}

/** Of a container, or of a pod (then `containerId` is the pod's own). */
export interface ContainerEvent {
  readonly containerId: string;
  readonly podId: string;
  readonly type: 'created' | 'started' | 'stopped' | 'deleted';
  /** Nanoseconds since the epoch; rises from event to event. */
  readonly createdAt: bigint;
  /** The pod and its containers as they were then; undefined where a crash left nothing of the pod. */
  readonly pod: PodView | undefined;
  readonly containers: readonly ContainerView[];
}

/**
 * One node's pods. Ids may be given as an unambiguous prefix, as crictl does. Stop and remove are idempotent: what is
 * not there is no error. `status` of what is not there throws NOT_FOUND.
 */
export interface PodRuntime {
  readonly cgroupDriver: 'cgroupfs' | 'systemd';

  /** Reads the state directories, reconciles them with the kernel, finishes or undoes what a crash interrupted. */
  open(): Promise<void>;
  /** Lets go of everything without stopping any pod. */
  close(): Promise<void>;

  runPod(config: PodConfig, handler: string, signal: AbortSignal): Promise<string>;
  stopPod(id: string): Promise<void>;
  removePod(id: string): Promise<void>;
  podStatus(id: string): PodView;
  /** Containers of all sandboxes that have this pod's uid: what a kubelet shows as the pod's. */
  containersOfPod(id: string): ContainerView[];
  listPods(filter: PodFilter): PodView[];
  updatePodResources(id: string, overhead: Resources | undefined, resources: Resources | undefined): Promise<void>;

  createContainer(podId: string, config: ContainerConfig, podConfig: PodConfig | undefined): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Stop signal, then SIGKILL after `timeoutMs`; 0 kills at once. */
  stopContainer(id: string, timeoutMs: number): Promise<void>;
  /** A running container is killed first. */
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): ContainerView;
  listContainers(filter: ContainerFilter): ContainerView[];
  updateContainerResources(id: string, resources: Resources): Promise<void>;
  reopenContainerLog(id: string): Promise<void>;
  /** `timeoutMs` 0: no limit. Throws DEADLINE_EXCEEDED when it ran out; the process has been killed then. */
  /** Writes an archive of the running container to `location`. */
  checkpointContainer(id: string, location: string, timeoutMs: number): Promise<void>;
  execSync(id: string, command: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<ExecSyncResult>;
  /** Exec, attach and port-forward with streams. */
  readonly sessions: Sessions;

  containerStats(id: string): Promise<ContainerStatsView>;
  listContainerStats(filter: ContainerFilter): Promise<ContainerStatsView[]>;
  podStats(id: string): Promise<PodStatsView>;
  listPodStats(filter: PodFilter): Promise<PodStatsView[]>;
  /** Of every pod that is ready, one after the other. */
  podMetrics(): AsyncIterable<PodMetricsView>;

  /** Verbose information for `crictl inspect`: pid, runtime spec, volumes with kind, route and reason. */
  containerInfo(id: string): Promise<Record<string, unknown>>;
  podInfo(id: string): Promise<Record<string, unknown>>;

  networkReadiness(): NetworkReadiness;
  handlers(): readonly HandlerInfo[];
  /**
   * What happens to pods and containers from now on; before it, for the only subscriber, what nobody has taken yet. An
   * onlooker is none: it takes nothing from those who come after it. Ends with the signal's reason; RESOURCE_EXHAUSTED for a subscriber that does not keep up.
   */
  events(signal: AbortSignal, onlooker?: boolean): AsyncIterable<ContainerEvent>;
  /** Chain ids of the layers under the containers that exist: they stay when their image goes. */
  layersInUse(): ReadonlySet<string>;
  /** Writable layers of all containers together, for ImageFsInfo's container file system. */
  writableLayersUsage(): Promise<FilesystemUsage>;
}
