/**
 * What a container is asked to be: the CRI's ContainerConfig in crib's own words. No gRPC type, no optional field
 * whose absence means something else than its empty value; numbers are safe integers (larger requests are clamped at
 * the edge).
 */

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: ImageSpec;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly { readonly key: string; readonly value: string }[];
  readonly mounts: readonly MountConfig[];
  readonly devices: readonly DeviceConfig[];
  readonly cdiDevices: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the pod's log directory; empty: the output is thrown away. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: Resources;
  readonly security: ContainerSecurity;
  /** `SIGTERM`, `SIGRTMIN+3`…; empty: the image's, else SIGTERM. */
  readonly stopSignal: string;
}

export interface ImageSpec {
  /** Reference, digest or id, as the client gave it. */
  readonly image: string;
  readonly userSpecifiedImage: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export type MountPropagation = 'private' | 'host-to-container' | 'bidirectional';

export interface MountConfig {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly recursiveReadOnly: boolean;
  readonly selinuxRelabel: boolean;
  readonly propagation: MountPropagation;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  /** Set for an image volume; then `hostPath` is empty. */
  readonly image: ImageSpec | undefined;
  readonly imageSubPath: string;
}

export interface IdMapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

export interface DeviceConfig {
  readonly containerPath: string;
  readonly hostPath: string;
  /** Any of r, w, m. */
  readonly permissions: string;
}

/** cgroup limits. Zero, the empty string and the empty list mean "not set" (CRI LinuxContainerResources). */
export interface Resources {
  /** Microseconds. */
  readonly cpuPeriod: number;
  /** Microseconds per period; -1: unlimited. */
  readonly cpuQuota: number;
  /** cgroup v1 shares, 2 to 262144. */
  readonly cpuShares: number;
  /** Bytes; -1: unlimited. */
  readonly memoryLimit: number;
  /** Memory and swap together, bytes; -1: unlimited. */
  readonly memorySwapLimit: number;
  readonly oomScoreAdj: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly hugepageLimits: readonly { readonly pageSize: string; readonly limit: number }[];
  /** cgroup v2 file name to value. */
  readonly unified: Readonly<Record<string, string>>;
}

/** Changes nothing. */
export const NO_LIMITS: Resources = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  memoryLimit: 0,
  memorySwapLimit: 0,
  oomScoreAdj: 0,
  cpusetCpus: '',
  cpusetMems: '',
  hugepageLimits: [],
  unified: {},
};

export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface NamespaceOptions {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** The container whose PID namespace is entered when `pid` is `target`. */
  readonly targetId: string;
  /** One for the whole pod; undefined: the host's. */
  readonly user: { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] } | undefined;
}

export interface SecurityProfile {
  readonly type: 'runtime-default' | 'unconfined' | 'localhost';
  /** An absolute path (seccomp) or a profile name (AppArmor) when `type` is `localhost`. */
  readonly localhostRef: string;
}

export interface SelinuxOptions {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly namespaces: NamespaceOptions;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly addAmbientCapabilities: readonly string[];
  readonly selinux: SelinuxOptions | undefined;
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly runAsUsername: string;
  readonly readonlyRootfs: boolean;
  readonly supplementalGroups: readonly number[];
  readonly supplementalGroupsPolicy: 'merge' | 'strict';
  readonly noNewPrivs: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** undefined: the client named none (the deprecated string fields are translated at the edge). */
  readonly seccomp: SecurityProfile | undefined;
  readonly apparmor: SecurityProfile | undefined;
}
