/** Inputs of buildSpec for tests: a plain container on a host that can do everything. */

import type { ContainerConfig, ContainerSecurity, Resources } from '../../../runtime/containers/config.js';
import { CAPABILITY_NAMES } from '../../../runtime/spec/capabilities.js';
import type { HostFacts, SpecInput } from '../../../runtime/spec/types.js';

export const resources: Resources = {
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

export const security: ContainerSecurity = {
  privileged: false,
  namespaces: { network: 'pod', pid: 'container', ipc: 'pod', targetId: '', user: undefined },
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
};

export const config: ContainerConfig = {
  metadata: { name: 'web', attempt: 0 },
  image: { image: 'sha256:1', userSpecifiedImage: 'nginx', annotations: {} },
  command: ['/bin/true'],
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
  resources,
  security,
  stopSignal: '',
};

export const host: HostFacts = {
  cgroupVersion: 2,
  oomScoreAdjFloor: -1000,
  seccomp: true,
  apparmor: false,
  selinux: false,
  capabilities: CAPABILITY_NAMES,
  controllers: ['cpu', 'memory', 'hugetlb'],
  hugepageSizes: ['2MB'],
  swapAccounting: true,
  openFiles: { soft: 1024n, hard: 524_288n },
};

export const input: SpecInput = {
  id: 'c1',
  config,
  image: { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] },
  pod: { id: 'p1', name: 'pod', namespace: 'default', uid: 'u1', hostname: 'box', privileged: false },
  rootfs: '/rootfs',
  cgroupsPath: '/kubepods/p1/c1',
  namespaces: { network: '/run/net', ipc: '/run/ipc', uts: '/run/uts', pid: 'new' },
  user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
  mounts: [],
  devices: [],
  hostDevices: [],
  localhostSeccomp: undefined,
  apparmorProfile: undefined,
  host,
};

/** `input` with another configuration, security context and the rest. */
export function inputWith(
  change: Partial<ContainerConfig>,
  secure: Partial<ContainerSecurity> = {},
  rest: Partial<SpecInput> = {},
): SpecInput {
  return { ...input, ...rest, config: { ...config, ...change, security: { ...security, ...secure } } };
}

/** The parts of a spec that tests look into. */
export interface Spec {
  readonly hostname?: string;
  readonly root: { readonly readonly: boolean };
  readonly process: {
    readonly args: string[];
    readonly env: string[];
    readonly cwd: string;
    readonly oomScoreAdj: number;
    readonly rlimits?: object[];
    readonly apparmorProfile?: string;
    readonly selinuxLabel?: string;
    readonly capabilities: Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', string[]>;
  };
  readonly mounts: { destination: string; type: string; source: string; options: string[] }[];
  readonly linux: {
    readonly namespaces: { type: string; path?: string }[];
    readonly uidMappings?: object[];
    readonly gidMappings?: object[];
    readonly maskedPaths: string[];
    readonly readonlyPaths: string[];
    readonly rootfsPropagation?: string;
    readonly resources: Record<string, unknown>;
    readonly devices: { path: string; major: number }[];
    readonly seccomp?: { defaultAction: string; architectures: string[]; syscalls: { names: string[] }[] };
  };
  readonly annotations: Record<string, string>;
}
