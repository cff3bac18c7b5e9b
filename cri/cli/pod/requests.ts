/** A manifest as the CRI's requests: what the kubelet would send for it (pkg/kubelet/kuberuntime). */

import os from 'node:os';
import {
  type ContainerConfig,
  NamespaceMode,
  type PodSandboxConfig,
  SecurityProfile_ProfileType as ProfileType,
  Protocol,
} from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';
import type { ContainerManifest, PodManifest } from '../manifest.js';
import { expand, expandEnv } from './expand.js';
import { type CgroupNumbers, containerNumbers, oomScoreAdjOf, podNumbers } from './resources.js';
import type { BoundMount } from './volumes.js';

/** What Kubernetes hides of /proc and /sys from containers (pkg/securitycontext/util.go), unless they are privileged. */
const MASKED_PATHS = [
  ...['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats'],
  ...['/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'],
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const PROTOCOLS = { TCP: Protocol.TCP, UDP: Protocol.UDP, SCTP: Protocol.SCTP } as const;

export interface PodIdentity {
  readonly uid: string;
  readonly logDirectory: string;
}

export function podRequest(manifest: PodManifest, identity: PodIdentity): DeepPartial<PodSandboxConfig> {
  const { name, namespace, hostNetwork } = manifest;
  const ports = hostNetwork ? [] : manifest.containers.flatMap((container) => container.ports);
  return {
    metadata: { name, namespace, uid: identity.uid, attempt: 0 },
    hostname: hostNetwork ? '' : manifest.hostname,
    logDirectory: identity.logDirectory,
    portMappings: ports.map((port) => ({
      protocol: PROTOCOLS[port.protocol],
      containerPort: port.containerPort,
      hostPort: port.hostPort,
      hostIp: port.hostIp,
    })),
    labels: { ...manifest.labels, ...identityLabels(manifest, identity) },
    annotations: { ...manifest.annotations },
    linux: {
      sysctls: { ...manifest.sysctls },
      resources: resourcesOf(podNumbers(manifest.containers)),
      securityContext: {
        namespaceOptions: namespacesOf(manifest),
        privileged: manifest.containers.some(({ privileged }) => privileged),
        supplementalGroups: groupsOf(manifest),
        seccomp: { profileType: ProfileType.RuntimeDefault },
      },
    },
  };
}

/** `attempt` counts the restarts. */
export function containerRequest(
  manifest: PodManifest,
  identity: PodIdentity,
  container: ContainerManifest,
  mounts: readonly BoundMount[],
  attempt: number,
): DeepPartial<ContainerConfig> {
  const env = expandEnv(container.env);
  const expandAll = (words: readonly string[]) => words.map((word) => expand(word, env));
  const labels = { ...identityLabels(manifest, identity), 'io.kubernetes.container.name': container.name };
  return {
    metadata: { name: container.name, attempt },
    image: { image: container.image, userSpecifiedImage: container.image },
    command: expandAll(container.command),
    args: expandAll(container.args),
    workingDir: container.workingDir,
    envs: Object.entries(env).map(([key, value]) => ({ key, value })),
    mounts: [...mounts],
    labels,
    annotations: { 'io.kubernetes.container.restartCount': String(attempt) },
    logPath: logPathOf(container.name, attempt),
    linux: linuxOf(manifest, container),
  };
}

/** Relative to the pod's log directory, as the kubelet has it. */
export function logPathOf(containerName: string, attempt: number): string {
  return `${containerName}/${attempt}.log`;
}

function linuxOf(manifest: PodManifest, container: ContainerManifest): DeepPartial<ContainerConfig>['linux'] {
  const { privileged, runAsUser, runAsGroup } = container;
  const oomScoreAdj = oomScoreAdjOf(container, manifest.containers, os.totalmem());
  return {
    resources: resourcesOf(containerNumbers(container, oomScoreAdj)),
    securityContext: {
      capabilities: {
        addCapabilities: [...container.addCapabilities],
        dropCapabilities: [...container.dropCapabilities],
      },
      privileged,
      namespaceOptions: namespacesOf(manifest),
      ...(runAsUser === undefined ? {} : { runAsUser: { value: BigInt(runAsUser) } }),
      ...(runAsGroup === undefined ? {} : { runAsGroup: { value: BigInt(runAsGroup) } }),
      readonlyRootfs: container.readOnlyRootFilesystem,
      supplementalGroups: groupsOf(manifest),
      noNewPrivs: !container.allowPrivilegeEscalation,
      maskedPaths: privileged ? [] : MASKED_PATHS,
      readonlyPaths: privileged ? [] : READONLY_PATHS,
      seccomp: { profileType: privileged ? ProfileType.Unconfined : ProfileType.RuntimeDefault },
    },
  };
}

function namespacesOf(manifest: PodManifest): { network: number; pid: number; ipc: number } {
  const podPid = manifest.shareProcessNamespace ? NamespaceMode.POD : NamespaceMode.CONTAINER;
  return {
    network: manifest.hostNetwork ? NamespaceMode.NODE : NamespaceMode.POD,
    pid: manifest.hostPid ? NamespaceMode.NODE : podPid,
    ipc: manifest.hostIpc ? NamespaceMode.NODE : NamespaceMode.POD,
  };
}

/** fsGroup owns the volumes; so the processes are in it. */
function groupsOf(manifest: PodManifest): bigint[] {
  return manifest.fsGroup === undefined ? [] : [BigInt(manifest.fsGroup)];
}

function resourcesOf(numbers: CgroupNumbers) {
  return {
    cpuPeriod: BigInt(numbers.period),
    cpuQuota: BigInt(numbers.quota),
    cpuShares: BigInt(numbers.shares),
    memoryLimitInBytes: BigInt(numbers.memory),
    oomScoreAdj: BigInt(numbers.oomScoreAdj),
  };
}

/** The labels by which tools find a kubelet's containers. */
function identityLabels({ name, namespace }: PodManifest, { uid }: PodIdentity): Record<string, string> {
  return { 'io.kubernetes.pod.name': name, 'io.kubernetes.pod.namespace': namespace, 'io.kubernetes.pod.uid': uid };
}
