/** What a pod is asked to be: the CRI's PodSandboxConfig in crib's own words. */

import type { NamespaceOptions, Resources, SecurityProfile, SelinuxOptions } from '../runtime/containers/config.js';

export interface PodMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface PortMapping {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly containerPort: number;
  /** 0: the port is not published. */
  readonly hostPort: number;
  /** Empty: all addresses. */
  readonly hostIp: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PodConfig {
  readonly metadata: PodMetadata;
  readonly hostname: string;
  readonly logDirectory: string;
  /** undefined: the node's resolv.conf. */
  readonly dns: DnsConfig | undefined;
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Empty: crib makes one of its own under its cgroup root. */
  readonly cgroupParent: string;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly overhead: Resources | undefined;
  readonly resources: Resources | undefined;
  readonly security: PodSecurity;
}

export interface PodSecurity {
  readonly privileged: boolean;
  readonly namespaces: NamespaceOptions;
  readonly selinux: SelinuxOptions | undefined;
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly readonlyRootfs: boolean;
  readonly supplementalGroups: readonly number[];
  readonly seccomp: SecurityProfile | undefined;
  readonly apparmor: SecurityProfile | undefined;
}
