/** Pods and containers as a kubelet asks for them. */

import { NamespaceMode } from '../../cri/api/generated/common.js';
import type { ContainerConfig } from '../../cri/api/generated/container.js';
import type { PodSandboxConfig } from '../../cri/api/generated/pod.js';
import type { DeepPartial } from '../../cri/api/wire.js';

export type PidMode = 'CONTAINER' | 'POD';

export interface PodShape {
  readonly name: string;
  readonly pidMode: PidMode;
  readonly logDirectory: string;
  readonly cgroupParent: string;
  /** Published for port 80 of the pod. */
  readonly hostPort?: number;
}

export function podConfig(shape: PodShape): DeepPartial<PodSandboxConfig> {
  return {
    metadata: { name: shape.name, uid: `uid-${shape.name}`, namespace: 'bench', attempt: 0 },
    hostname: shape.name,
    logDirectory: shape.logDirectory,
    dnsConfig: { servers: ['10.96.0.10'], searches: ['bench.svc.cluster.local'], options: ['ndots:5'] },
    labels: { app: 'bench', 'io.kubernetes.pod.name': shape.name },
    ...(shape.hostPort !== undefined && { portMappings: [{ containerPort: 80, hostPort: shape.hostPort }] }),
    annotations: { 'kubernetes.io/config.source': 'api' },
    linux: {
      cgroupParent: shape.cgroupParent,
      securityContext: { namespaceOptions: namespaces(shape.pidMode), seccomp: { profileType: 0 } },
    },
  };
}

export interface ContainerShape {
  readonly image: string;
  readonly pidMode: PidMode;
  readonly command: readonly string[];
  /** A file and a directory of the host, mounted as a kubelet mounts /etc/hosts and a service account's token. */
  readonly hostsFile: string;
  readonly tokenDir: string;
}

export function containerConfig(shape: ContainerShape): DeepPartial<ContainerConfig> {
  return {
    metadata: { name: 'main', attempt: 0 },
    image: { image: shape.image },
    command: shape.command,
    envs: [{ key: 'KUBERNETES_SERVICE_HOST', value: '10.96.0.1' }],
    mounts: [
      { containerPath: '/etc/hosts', hostPath: shape.hostsFile },
      { containerPath: '/run/token', hostPath: shape.tokenDir, readonly: true },
    ],
    labels: { app: 'bench' },
    logPath: 'main.log',
    linux: {
      // Of a pod without requests; a higher score may always be set.
      resources: { cpuPeriod: 100_000n, cpuShares: 2n, oomScoreAdj: 1000n },
      securityContext: {
        namespaceOptions: namespaces(shape.pidMode),
        seccomp: { profileType: 0 },
        maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
        readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      },
    },
  };
}

function namespaces(pidMode: PidMode) {
  const pid = pidMode === 'POD' ? NamespaceMode.POD : NamespaceMode.CONTAINER;
  return { network: NamespaceMode.POD, ipc: NamespaceMode.POD, pid };
}
