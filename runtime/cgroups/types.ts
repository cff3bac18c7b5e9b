/** The contract of cgroup access: one implementation for v1 hierarchies, one for the unified hierarchy. */

import type { Resources } from '../containers/config.js';

/** Time that tasks waited for a resource (accounting/psi.rst). */
export interface Pressure {
  /** At least one task waited. */
  readonly some: PressureTimes;
  /** All did. */
  readonly full: PressureTimes;
}

export interface PressureTimes {
  readonly totalNs: bigint;
  /** Per cent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

export interface CgroupStats {
  /** Nanoseconds since the epoch at which the files were read. */
  readonly timestamp: bigint;
  /** CPU time used, nanoseconds. */
  readonly cpuUsageNs: bigint;
  readonly memoryUsage: number;
  /** Usage less inactive file pages: what an eviction manager counts. */
  readonly memoryWorkingSet: number;
  readonly memoryRss: number;
  /** Bytes; 0: no limit. */
  readonly memoryLimit: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  readonly swapUsage: number;
  /** Bytes of swap beside the memory; undefined: no limit. */
  readonly swapLimit: number | undefined;
  readonly pids: number;
  /** Each undefined where this kernel has none: on v1, or booted without. */
  readonly pressure: {
    readonly cpu: Pressure | undefined;
    readonly memory: Pressure | undefined;
    readonly io: Pressure | undefined;
  };
}

export interface IoCounters {
  /** `8:0` */
  readonly device: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface HugePageUsage {
  /** `2MB` */
  readonly pageSize: string;
  readonly usage: number;
  /** The most it was; undefined where the kernel does not keep it. */
  readonly maxUsage: number | undefined;
}

/** What only a monitoring system asks for. Fields that this kernel does not tell are undefined. */
export interface CgroupDetails {
  readonly cpuUserNs: bigint;
  readonly cpuSystemNs: bigint;
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNs: bigint;
  readonly memoryCache: number;
  readonly memoryMappedFile: number;
  readonly memoryActiveFile: number;
  readonly memoryInactiveFile: number;
  readonly memoryKernel: number | undefined;
  readonly memoryMaxUsage: number | undefined;
  /** How often the limit was hit. */
  readonly memoryFailures: number;
  readonly oomKills: number;
  /** Without the cgroups below. */
  readonly ownPageFaults: number;
  readonly ownMajorPageFaults: number;
  readonly processes: readonly number[];
  /** 0: no limit. */
  readonly threadsMax: number;
  readonly io: readonly IoCounters[];
  readonly hugePages: readonly HugePageUsage[];
}

/** All paths are relative to the hierarchy's root: `/kubepods/burstable/pod…/<container>`. */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Makes the cgroup and its parents with the controllers enabled. */
  create(path: string): Promise<void>;
  /** Applies limits to an existing cgroup (a pod's own; containers are updated by the OCI runtime). */
  apply(path: string, resources: Resources): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Of the cgroup and its children; 0 stands for a process of a PID namespace that is not below ours. */
  processes(path: string): Promise<number[]>;
  /** Frozen, or being frozen, itself or by a parent. False where the cgroup does not exist. */
  frozen(path: string): Promise<boolean>;
  /** Throws FAILED_PRECONDITION, with the way out, where what is started in the cgroup would not run. It need not exist. */
  requireThawed(path: string): void;
  /** The same, and where it has processes already, in whichever hierarchy. */
  requireUnused(path: string): Promise<void>;
  /** SIGKILLs every process of the subtree (cgroup.kill, or freeze and kill on v1) until none is left; bounded. */
  kill(path: string): Promise<void>;
  /** Removes the cgroup and its children; retried while the kernel says EBUSY, bounded. Idempotent. */
  remove(path: string): Promise<void>;
  /** undefined where the cgroup does not exist. */
  stats(path: string): Promise<CgroupStats | undefined>;
  /** undefined where the cgroup does not exist. */
  details(path: string): Promise<CgroupDetails | undefined>;
  /** Out-of-memory kills so far (v2: also of cgroups below, gone ones too); undefined where the cgroup does not exist. */
  oomKills(path: string): Promise<number | undefined>;
  /** Absolute directories with a `cgroup.procs` that list all processes of the cgroup (v1: one hierarchy's). */
  directories(path: string): string[];
  /** Moves a process into the cgroup in every hierarchy. */
  attach(path: string, pid: number): Promise<void>;
}
