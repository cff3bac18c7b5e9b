/** Requests about pods that are well-formed and make no sense. */

import { type Message, podRequest, type Subjects } from './requests.js';
import type { Answer, Row } from './row.js';

const LONG = 'x'.repeat(10 * 1024 * 1024);

/** RunPodSandbox of a good pod with `change` in its config. */
function run(what: string, change: Message, names: string, answer: Answer = 'INVALID_ARGUMENT'): Row {
  return { call: 'RunPodSandbox', what, request: () => ({ config: { ...podRequest(), ...change } }), answer, names };
}

const security = (what: string, change: Message, names: string, answer?: Answer): Row =>
  run(what, { linux: { securityContext: change } }, `config.linux.security_context.${names}`, answer);

const resources = (what: string, change: Message, names: string): Row =>
  run(what, { linux: { resources: change } }, `config.linux.resources.${names}`);

const METADATA = { name: 'bad', uid: 'bad', namespace: 'test' };

const CONFIG_ROWS: readonly Row[] = [
  run('no metadata', { metadata: undefined }, 'config.metadata'),
  run('no name', { metadata: { ...METADATA, name: '' } }, 'config.metadata.name'),
  run('no uid', { metadata: { ...METADATA, uid: '' } }, 'config.metadata.uid'),
  run('no namespace', { metadata: { ...METADATA, namespace: '' } }, 'config.metadata.namespace'),
  run('a name of 10 MB', { metadata: { ...METADATA, name: LONG } }, 'config.metadata.name'),
  run('labels of 10 MB', { labels: { a: LONG } }, 'config.labels'),
  run('annotations of 10 MB', { annotations: { [LONG]: '' } }, 'config.annotations'),
  run('a host name of 65 bytes', { hostname: 'h'.repeat(65) }, 'config.hostname'),
  run('a host name of two lines', { hostname: 'a\nb' }, 'config.hostname'),
  run('a host name with a slash', { hostname: 'a/b' }, 'config.hostname'),
  run('a relative log directory', { logDirectory: 'var/log' }, 'config.log_directory'),
  run('a log directory that climbs', { logDirectory: '/var/log/../../etc' }, 'config.log_directory'),
  run('a log directory of 5,000 bytes', { logDirectory: `/${'d'.repeat(5000)}` }, 'config.log_directory'),
  run(
    'a second line in a DNS server',
    { dnsConfig: { servers: ['1.1.1.1\noptions x'] } },
    'config.dns_config.servers[0]',
  ),
  run('an empty search domain', { dnsConfig: { searches: ['a', ''] } }, 'config.dns_config.searches[1]'),
  run('a DNS option of two words', { dnsConfig: { options: ['a b'] } }, 'config.dns_config.options[0]'),
  run('no container port', { portMappings: [{ hostPort: 80 }] }, 'config.port_mappings[0].container_port'),
  run('port 65536', { portMappings: [{ containerPort: 65_536 }] }, 'config.port_mappings[0].container_port'),
  run(
    'host port 65536',
    { portMappings: [{ containerPort: 1, hostPort: 65_536 }] },
    'config.port_mappings[0].host_port',
  ),
  run(
    'a host address that is none',
    { portMappings: [{ containerPort: 1, hostIp: '1.2.3' }] },
    'config.port_mappings[0].host_ip',
  ),
  run(
    'a host port twice',
    {
      portMappings: [
        { containerPort: 1, hostPort: 8081 },
        { containerPort: 2, hostPort: 8081 },
      ],
    },
    'config.port_mappings[1].host_port',
  ),
  run('Windows', { windows: {} }, 'config.windows'),
  run('a cgroup parent that climbs', { linux: { cgroupParent: '/a/../../b' } }, 'config.linux.cgroup_parent'),
  run(
    'a sysctl of the whole host',
    { linux: { sysctls: { 'kernel.panic': '1' } } },
    'config.linux.sysctls["kernel.panic"]',
  ),
  run(
    'a sysctl that is a path',
    { linux: { sysctls: { 'net.../../kernel.panic': '1' } } },
    'config.linux.sysctls["net.../../kernel.panic"]',
  ),
  run(
    'a sysctl of the network on the host network',
    { linux: { sysctls: { 'net.core.somaxconn': '1' }, securityContext: { namespaceOptions: { network: 2 } } } },
    'config.linux.sysctls["net.core.somaxconn"]',
  ),
  resources('a cpuset that is none', { cpusetCpus: '0-' }, 'cpuset_cpus'),
  resources('an out of memory score of 1001', { oomScoreAdj: 1001n }, 'oom_score_adj'),
  resources('a page size that is none', { hugepageLimits: [{ pageSize: 'huge' }] }, 'hugepage_limits[0].page_size'),
  resources('a cgroup file that is a path', { unified: { '../cgroup.procs': '1' } }, 'unified'),
  resources(
    'more swap and memory together than memory',
    { memoryLimitInBytes: 2n << 20n, memorySwapLimitInBytes: 1n << 20n },
    'memory_swap_limit_in_bytes',
  ),
];

const SECURITY_ROWS: readonly Row[] = [
  security('a network of the container', { namespaceOptions: { network: 1 } }, 'namespace_options.network'),
  security('a network of a target', { namespaceOptions: { network: 3 } }, 'namespace_options.network'),
  security('an IPC namespace of a target', { namespaceOptions: { ipc: 3 } }, 'namespace_options.ipc'),
  security('the PID namespace of a target', { namespaceOptions: { pid: 3, targetId: 'abc' } }, 'namespace_options.pid'),
  security(
    'user mappings without a user namespace',
    { namespaceOptions: { usernsOptions: { mode: 2, uids: [{ length: 1 }] } } },
    'namespace_options.userns_options',
  ),
  security(
    'a user namespace of a target',
    { namespaceOptions: { usernsOptions: { mode: 3 } } },
    'namespace_options.userns_options',
  ),
  security('a user beyond 32 bits', { runAsUser: { value: 1n << 32n } }, 'run_as_user'),
  security('a group beyond 32 bits', { supplementalGroups: [1n, 1n << 40n] }, 'supplemental_groups[1]'),
  security(
    'a relative seccomp profile',
    { seccomp: { profileType: 2, localhostRef: 'a.json' } },
    'seccomp.localhost_ref',
  ),
  security(
    'a relative seccomp profile in the old form',
    { seccompProfilePath: 'localhost/a.json' },
    'seccomp_profile_path',
  ),
  security('a seccomp profile of no form', { seccompProfilePath: 'strict' }, 'seccomp_profile_path'),
  security('an AppArmor profile without a name', { apparmor: { profileType: 2 } }, 'apparmor.localhost_ref'),
  security('a SELinux type that is none', { selinuxOptions: { type: 'a:b' } }, 'selinux_options.type'),
];

function update(
  what: string,
  change: (node: Subjects) => Message,
  names: string,
  answer: Answer = 'INVALID_ARGUMENT',
): Row {
  return {
    call: 'UpdatePodSandboxResources',
    what,
    request: (node) => ({ podSandboxId: node.pod, ...change(node) }),
    answer,
    names,
  };
}

export const POD_ROWS: readonly Row[] = [
  { call: 'RunPodSandbox', what: 'no config', request: () => ({}), answer: 'INVALID_ARGUMENT', names: 'config' },
  {
    call: 'RunPodSandbox',
    what: 'a handler that there is not',
    request: () => ({ config: podRequest(), runtimeHandler: '../../bin/sh' }),
    answer: 'INVALID_ARGUMENT',
    names: 'runtime_handler',
  },
  {
    call: 'RunPodSandbox',
    what: 'the name of a pod that is another',
    request: () => ({ config: { metadata: { name: 'good', uid: 'good', namespace: 'test' }, labels: { other: '' } } }),
    answer: 'ALREADY_EXISTS',
    names: 'pod test/good',
  },
  ...CONFIG_ROWS,
  ...SECURITY_ROWS,
  update('a relative cgroup file', () => ({ resources: { unified: { 'a/b': '1' } } }), 'resources.unified'),
  update('an overhead below zero', () => ({ overhead: { cpuShares: -1n } }), 'overhead.cpu_shares'),
  update(
    'a pod that is stopped',
    ({ stoppedPod }) => ({ podSandboxId: stoppedPod, resources: {} }),
    'not ready',
    'FAILED_PRECONDITION',
  ),
  ...[0, -1, 65_536].map(
    (port): Row => ({
      call: 'PortForward',
      what: `port ${port}`,
      request: ({ pod }) => ({ podSandboxId: pod, port: [80, port] }),
      answer: 'INVALID_ARGUMENT',
      names: 'port[1]',
    }),
  ),
  {
    call: 'PortForward',
    what: 'a pod that is stopped',
    request: ({ stoppedPod }) => ({ podSandboxId: stoppedPod, port: [80] }),
    answer: 'FAILED_PRECONDITION',
    names: 'ready',
  },
];
