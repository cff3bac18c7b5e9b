/** Configurations for tests: everything empty, to be spread and changed. */

import type { ContainerConfig, NamespaceOptions, Resources } from '../../runtime/containers/config.js';
import type { PodConfig } from '../../sandbox/config.js';

const NAMESPACES: NamespaceOptions = {
  network: 'pod',
  pid: 'container',
  ipc: 'pod',
  targetId: '',
  user: undefined,
};

export const NO_RESOURCES: Resources = {
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

export function podConfig(name = 'pod'): PodConfig {
  return {
    metadata: { name, uid: `uid-${name}`, namespace: 'test', attempt: 0 },
    hostname: name,
    logDirectory: '',
    dns: undefined,
    portMappings: [],
    labels: {},
    annotations: {},
    cgroupParent: '',
    sysctls: {},
    overhead: undefined,
    resources: undefined,
    security: {
      privileged: false,
      namespaces: NAMESPACES,
      selinux: undefined,
      runAsUser: undefined,
      runAsGroup: undefined,
      readonlyRootfs: false,
      supplementalGroups: [],
      seccomp: undefined,
      apparmor: undefined,
    },
  };
}

export function containerConfig(name = 'container', image = 'busybox'): ContainerConfig {
  return {
    metadata: { name, attempt: 0 },
    image: { image, userSpecifiedImage: '', annotations: {} },
    command: [],
    args: [],
    workingDir: '',
    envs: [],
    mounts: [],
    devices: [],
    cdiDevices: [],
    labels: {},
    annotations: {},
    logPath: '',
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: NO_RESOURCES,
    security: {
      privileged: false,
      namespaces: NAMESPACES,
      addCapabilities: [],
      dropCapabilities: [],
      addAmbientCapabilities: [],
      selinux: undefined,
      runAsUser: undefined,
      runAsGroup: undefined,
      runAsUsername: '',
      readonlyRootfs: false,
      supplementalGroups: [],
      supplementalGroupsPolicy: 'merge',
      noNewPrivs: false,
      maskedPaths: [],
      readonlyPaths: [],
      seccomp: undefined,
      apparmor: undefined,
    },
    stopSignal: '',
  };
}
