/** Requests about containers that are well-formed and make no sense. */

import { containerRequest, type Message, type Subjects } from './requests.js';
import type { Answer, Row } from './row.js';

const LONG = 'x'.repeat(10 * 1024 * 1024);

/** CreateContainer of a good container with `change` in its config. */
function create(what: string, change: Message, names: string, answer: Answer = 'INVALID_ARGUMENT'): Row {
  return {
    call: 'CreateContainer',
    what,
    request: ({ pod, image }) => ({ podSandboxId: pod, config: { ...containerRequest(image), ...change } }),
    answer,
    names,
  };
}

const security = (what: string, change: Message, names: string, answer?: Answer): Row =>
  create(what, { linux: { securityContext: change } }, `config.linux.security_context.${names}`, answer);

const mount = (what: string, change: Message, names: string, answer?: Answer): Row =>
  create(what, { mounts: [{ containerPath: '/data', hostPath: '/tmp', ...change }] }, `mounts[0].${names}`, answer);

function call(
  name: string,
  what: string,
  request: (node: Subjects) => Message,
  names: string,
  answer: Answer = 'INVALID_ARGUMENT',
): Row {
  return { call: name, what, request, answer, names };
}

const CONFIG_ROWS: readonly Row[] = [
  call('CreateContainer', 'no config', ({ pod }) => ({ podSandboxId: pod }), 'config'),
  call(
    'CreateContainer',
    'a pod that is stopped',
    ({ stoppedPod, image }) => ({ podSandboxId: stoppedPod, config: containerRequest(image) }),
    'ready',
    'FAILED_PRECONDITION',
  ),
  call(
    'CreateContainer',
    'a log directory that climbs',
    ({ pod, image }) => ({
      podSandboxId: pod,
      config: containerRequest(image),
      sandboxConfig: { metadata: { name: 'a', uid: 'a', namespace: 'a' }, logDirectory: '/var/../etc' },
    }),
    'sandbox_config.log_directory',
  ),
  create(
    'the name of a container that is another',
    { metadata: { name: 'running' }, labels: { other: '' } },
    'container running',
    'ALREADY_EXISTS',
  ),
  create('no metadata', { metadata: undefined }, 'config.metadata'),
  create('no name', { metadata: {} }, 'config.metadata.name'),
  create('no image', { image: undefined }, 'config.image'),
  create('an image without a name', { image: {} }, 'config.image.image'),
  create('an image that is not there', { image: { image: 'localhost/none:1' } }, 'localhost/none:1', 'NOT_FOUND'),
  create('an image that is no reference', { image: { image: '../../etc/passwd' } }, '../../etc/passwd', 'NOT_FOUND'),
  create('labels of 10 MB', { labels: { a: LONG } }, 'config.labels'),
  create('annotations of 10 MB', { annotations: { a: LONG } }, 'config.annotations'),
  create(
    'annotations of 10 MB of the image',
    { image: { image: 'a', annotations: { a: LONG } } },
    'config.image.annotations',
  ),
  create('a relative working directory', { workingDir: 'work' }, 'config.working_dir'),
  create('a variable without a name', { envs: [{ value: 'a' }] }, 'config.envs[0].key'),
  create('a variable with = in its name', { envs: [{ key: 'A=B' }] }, 'config.envs[0].key'),
  create('a log path that climbs', { logPath: 'a/../../b' }, 'config.log_path'),
  create('an absolute log path', { logPath: '/etc/passwd' }, 'config.log_path'),
  create('a log path that is the directory', { logPath: './' }, 'config.log_path'),
  create('a log path of 5,000 bytes', { logPath: 'l'.repeat(5000) }, 'config.log_path'),
  create('Windows', { windows: {} }, 'config.windows'),
  create(
    'a device that is not there',
    { devices: [{ containerPath: '/dev/bad', hostPath: '/dev/nowhere', permissions: 'r' }] },
    'config.devices[0].host_path',
  ),
  create(
    'a device without a path',
    { devices: [{ hostPath: '/dev/null', permissions: 'r' }] },
    'config.devices[0].container_path',
  ),
  create(
    'a relative device',
    { devices: [{ containerPath: '/dev/bad', hostPath: 'null', permissions: 'r' }] },
    'config.devices[0].host_path',
  ),
  create(
    'permissions of no device',
    { devices: [{ containerPath: '/dev/bad', hostPath: '/dev/null', permissions: 'x' }] },
    'config.devices[0].permissions',
  ),
  create('a CDI device that is no name', { cdiDevices: [{ name: 'gpu' }] }, 'config.CDI_devices[0].name'),
  create('a CDI device of a file', { cdiDevices: [{ name: '../a/b=c' }] }, 'config.CDI_devices[0].name'),
  create('a CDI device that is not there', { cdiDevices: [{ name: 'a.example/b=c' }] }, 'a.example/b=c', 'NOT_FOUND'),
  create(
    'a cpuset that is none',
    { linux: { resources: { cpusetCpus: '1,,2' } } },
    'config.linux.resources.cpuset_cpus',
  ),
  create(
    'a memory node that is none',
    { linux: { resources: { cpusetMems: 'a' } } },
    'config.linux.resources.cpuset_mems',
  ),
  create(
    'a CPU period of an hour',
    { linux: { resources: { cpuPeriod: 3_600_000_000n } } },
    'config.linux.resources.cpu_period',
  ),
];

const MOUNT_ROWS: readonly Row[] = [
  mount('a relative path in the container', { containerPath: 'data' }, 'container_path'),
  mount('the root of the container', { containerPath: '//' }, 'container_path'),
  mount('a relative path on the host', { hostPath: 'tmp' }, 'host_path'),
  mount('no path on the host', { hostPath: '' }, 'host_path'),
  mount('a path on the host of 5,000 bytes', { hostPath: `/${'m'.repeat(5000)}` }, 'host_path'),
  mount('recursively read-only but writable', { recursiveReadOnly: true }, 'recursive_read_only'),
  mount(
    'recursively read-only and propagated',
    { recursiveReadOnly: true, readonly: true, propagation: 1 },
    'recursive_read_only',
  ),
  mount('a missing path with .. in it', { hostPath: '/nowhere/../nothing' }, 'host_path', 'FAILED_PRECONDITION'),
  mount('an image and a path on the host', { readonly: true, image: { image: 'localhost/none' } }, 'host_path'),
  mount('an image to write to', { hostPath: '', image: { image: 'localhost/none' } }, 'readonly'),
  mount('a part of no image', { imageSubPath: 'a' }, 'image_sub_path'),
  mount(
    'a part of an image that climbs',
    { hostPath: '', readonly: true, image: { image: 'localhost/none' }, imageSubPath: 'a/../..' },
    'image_sub_path',
  ),
  create(
    'two mounts on one place',
    { mounts: ['/data', '/data/x/..'].map((containerPath) => ({ containerPath, hostPath: '/tmp' })) },
    'mounts[1].container_path',
  ),
];

const SECURITY_ROWS: readonly Row[] = [
  security('a network of a target', { namespaceOptions: { network: 3 } }, 'namespace_options.network'),
  security('an IPC namespace of the container', { namespaceOptions: { ipc: 1 } }, 'namespace_options.ipc'),
  security('a target without an id', { namespaceOptions: { pid: 3 } }, 'namespace_options.target_id'),
  security('privileged in a pod that is not', { privileged: true }, 'privileged'),
  security(
    'an unknown capability',
    { capabilities: { addCapabilities: ['CHOWN', 'FLY'] } },
    'capabilities.add_capabilities[1]',
  ),
  security(
    'an unknown capability to drop',
    { capabilities: { dropCapabilities: ['FLY'] } },
    'capabilities.drop_capabilities[0]',
  ),
  security(
    'an unknown ambient capability',
    { capabilities: { addAmbientCapabilities: ['FLY'] } },
    'capabilities.add_ambient_capabilities[0]',
  ),
  security('a group without a user', { runAsGroup: { value: 1n } }, 'run_as_group'),
  security('a user beyond 32 bits', { runAsUser: { value: 1n << 40n } }, 'run_as_user'),
  security('a user that the image does not know', { runAsUsername: 'nobody-here' }, 'run_as_username', 'NOT_FOUND'),
  security('a relative path to mask', { maskedPaths: ['/proc/kcore', 'x'] }, 'masked_paths[1]'),
  security('a relative path to protect', { readonlyPaths: ['x'] }, 'readonly_paths[0]'),
  security(
    'a seccomp profile that is not there',
    { seccomp: { profileType: 2, localhostRef: '/nowhere' } },
    'seccomp.localhost_ref',
    'FAILED_PRECONDITION',
  ),
  security('a seccomp profile of no form', { seccompProfilePath: 'strict' }, 'seccomp_profile_path'),
  security('an AppArmor profile of no form', { apparmorProfile: 'strict' }, 'apparmor_profile'),
  security('a SELinux level that is none', { selinuxOptions: { level: 's0\ns1' } }, 'selinux_options.level'),
];

const RUNNING_ROWS: readonly Row[] = [
  call(
    'StartContainer',
    'a container that runs',
    ({ running }) => ({ containerId: running }),
    'running',
    'FAILED_PRECONDITION',
  ),
  call(
    'ReopenContainerLog',
    'a container that does not run',
    ({ created }) => ({ containerId: created }),
    'created',
    'FAILED_PRECONDITION',
  ),
  call('UpdateContainerResources', 'no resources', ({ running }) => ({ containerId: running }), 'linux'),
  call(
    'UpdateContainerResources',
    'Windows',
    ({ running }) => ({ containerId: running, linux: {}, windows: {} }),
    'windows',
  ),
  call(
    'UpdateContainerResources',
    'a cpuset that is none',
    ({ running }) => ({ containerId: running, linux: { cpusetCpus: '9-' } }),
    'linux.cpuset_cpus',
  ),
  call(
    'UpdateContainerResources',
    'less memory and swap than memory',
    ({ running }) => ({
      containerId: running,
      linux: { memoryLimitInBytes: 2n << 20n, memorySwapLimitInBytes: 1n << 20n },
    }),
    'linux.memory_swap_limit_in_bytes',
  ),
  call('ExecSync', 'no command', ({ running }) => ({ containerId: running }), 'cmd'),
  call(
    'ExecSync',
    'a container that does not run',
    ({ created }) => ({ containerId: created, cmd: ['true'] }),
    'created',
    'FAILED_PRECONDITION',
  ),
  call('Exec', 'no command', ({ running }) => ({ containerId: running, stdout: true }), 'cmd'),
  call('Exec', 'no stream', ({ running }) => ({ containerId: running, cmd: ['true'] }), 'stdout'),
  call(
    'Exec',
    'a terminal with stderr',
    ({ running }) => ({ containerId: running, cmd: ['true'], tty: true, stderr: true }),
    'stderr',
  ),
  call(
    'Exec',
    'a container that does not run',
    ({ created }) => ({ containerId: created, cmd: ['true'], stdout: true }),
    'created',
    'FAILED_PRECONDITION',
  ),
  call('Attach', 'no stream', ({ running }) => ({ containerId: running }), 'stdout'),
  call(
    'Attach',
    'a container that does not run',
    ({ created }) => ({ containerId: created, stdout: true }),
    'created',
    'FAILED_PRECONDITION',
  ),
  call(
    'CheckpointContainer',
    'a relative location',
    ({ running }) => ({ containerId: running, location: 'a.tar' }),
    'location',
  ),
  call('CheckpointContainer', 'no location', ({ running }) => ({ containerId: running }), 'location'),
];

export const CONTAINER_ROWS: readonly Row[] = [...CONFIG_ROWS, ...MOUNT_ROWS, ...SECURITY_ROWS, ...RUNNING_ROWS];
