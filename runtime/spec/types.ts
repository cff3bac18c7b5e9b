/** The contract of OCI spec generation: a pure function from facts to the runtime's config.json. */

import type { ContainerConfig, Resources } from '../containers/config.js';
import type { IdMappings } from '../containers/id-mappings.js';
import type { ImageRunConfig } from '../images/types.js';

/** The user namespace that a pod's containers run in. */
export interface PodUserNamespace extends IdMappings {
  /** Where it is pinned. */
  readonly path: string;
}

export interface NamespacePaths {
  /** Path of a pinned namespace to join; `host`: the host's; `new`: the runtime makes one. */
  readonly network: string;
  readonly ipc: string;
  readonly uts: string;
  readonly pid: string;
  /** undefined: the host's. */
  readonly user?: PodUserNamespace | undefined;
}

/** A mount whose source has been recognised, routed and opened by `volumes/`. */
export interface ResolvedMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** Home directory from the image's passwd; `/` where it names none. */
  readonly home: string;
}

export interface HostDevice {
  readonly path: string;
  readonly type: 'c' | 'b' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface ResolvedDevice extends HostDevice {
  /** cgroup permissions: any of r, w, m. */
  readonly access: string;
}

/** What this host can do, found out once at start. */
export interface HostFacts {
  readonly cgroupVersion: 1 | 2;
  /** Lowest oom_score_adj that may be set here (CAP_SYS_RESOURCE missing: the current value). */
  readonly oomScoreAdjFloor: number;
  readonly seccomp: boolean;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  /** Names (`CAP_CHOWN`) in this process's bounding set: what `privileged` and `ALL` can give. */
  readonly capabilities: readonly string[];
  /** cgroup v1 controllers or v2 `cgroup.controllers` that are usable. */
  readonly controllers: readonly string[];
  /** Page sizes in the runtime's spelling: `2MB`, `1GB`. */
  readonly hugepageSizes: readonly string[];
  readonly swapAccounting: boolean;
  /** RLIMIT_NOFILE of containers; undefined: whatever the OCI runtime hands on. */
  readonly openFiles: { readonly soft: bigint; readonly hard: bigint } | undefined;
}

export interface SpecInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly image: ImageRunConfig;
  readonly pod: {
    readonly id: string;
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly hostname: string;
    readonly privileged: boolean;
  };
  /** Absolute path of the mounted root file system. */
  readonly rootfs: string;
  /** `/kubepods/…/<container id>`, cgroupfs driver. */
  readonly cgroupsPath: string;
  readonly namespaces: NamespacePaths;
  readonly user: ResolvedUser;
  readonly mounts: readonly ResolvedMount[];
  readonly devices: readonly ResolvedDevice[];
  /** Every device of the host, for privileged containers; empty otherwise. */
  readonly hostDevices: readonly HostDevice[];
  /** Parsed localhost seccomp profile; undefined where the profile type is not `localhost`. */
  readonly localhostSeccomp: unknown;
  /** Name of a loaded AppArmor profile; undefined: none. */
  readonly apparmorProfile: string | undefined;
  readonly host: HostFacts;
}

/** OCI runtime spec 1.1 `linux.resources`, the part that `runc update` also takes. */
export type OciResources = Record<string, unknown>;

export type OciSpec = Record<string, unknown>;

export type BuildSpec = (input: SpecInput) => OciSpec;
export type BuildResources = (resources: Resources, host: HostFacts) => OciResources;
