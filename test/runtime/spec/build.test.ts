import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CribError, type ErrorCode } from '../../../runtime/errors.js';
import { buildSpec } from '../../../runtime/spec/build.js';
import type { ResolvedMount, SpecInput } from '../../../runtime/spec/types.js';
import { host, input, inputWith, type Spec } from './inputs.js';

function build(from: SpecInput): Spec {
  return JSON.parse(JSON.stringify(buildSpec(from))) as Spec;
}

function refuses(from: SpecInput, code: ErrorCode, message: RegExp): void {
  assert.throws(
    () => buildSpec(from),
    (error: unknown) => error instanceof CribError && error.code === code && message.test(error.message),
  );
}

const withImage = (change: Partial<SpecInput['image']>, command: string[], args: string[]): SpecInput =>
  inputWith({ command, args }, {}, { image: { ...input.image, ...change } });

describe('process', () => {
  it('combines command, args, ENTRYPOINT and CMD as Kubernetes does', () => {
    const image = { entrypoint: ['/entry'], cmd: ['a', 'b'] };
    assert.deepEqual(build(withImage(image, [], [])).process.args, ['/entry', 'a', 'b']);
    assert.deepEqual(build(withImage(image, [], ['x'])).process.args, ['/entry', 'x']);
    assert.deepEqual(build(withImage(image, ['/cmd'], [])).process.args, ['/cmd']);
    assert.deepEqual(build(withImage(image, ['/cmd'], ['x'])).process.args, ['/cmd', 'x']);
    assert.deepEqual(build(withImage({ ...image, entrypoint: [''] }, [], [])).process.args, ['a', 'b']);
    refuses(withImage({}, [], []), 'INVALID_ARGUMENT', /config\.command/);
    refuses(withImage({}, ['a\0b'], []), 'INVALID_ARGUMENT', /NUL/);
  });

  it('lets the CRI environment override the image and both override the defaults', () => {
    const from = inputWith(
      { tty: true, envs: [{ key: 'A', value: '2=3' }] },
      {},
      { image: { ...input.image, env: ['A=1', 'B=1', 'TERM=vt100', 'BROKEN'] } },
    );
    const { env } = build(from).process;
    assert.deepEqual(env.slice(1), ['TERM=vt100', 'HOSTNAME=box', 'A=2=3', 'B=1', 'HOME=/root']);
    assert.match(env[0] ?? '', /^PATH=.*:\/bin$/);
    refuses(inputWith({ envs: [{ key: 'A=B', value: '' }] }), 'INVALID_ARGUMENT', /config\.envs\[0\]\.key/);
    refuses(inputWith({ envs: [{ key: 'A', value: '\0' }] }), 'INVALID_ARGUMENT', /config\.envs\[0\]\.value/);
  });

  it('takes the working directory of the config, the image, or /', () => {
    const image = { ...input.image, workingDir: '/image' };
    assert.equal(build(input).process.cwd, '/');
    assert.equal(build(inputWith({}, {}, { image })).process.cwd, '/image');
    assert.equal(build(inputWith({ workingDir: '/own//x/' }, {}, { image })).process.cwd, '/own/x');
    refuses(inputWith({ workingDir: 'x' }), 'INVALID_ARGUMENT', /config\.working_dir/);
  });

  it('raises oom_score_adj to what may be set here', () => {
    const clamped = { ...host, oomScoreAdjFloor: 100 };
    assert.equal(build(inputWith({}, {}, { host: clamped })).process.oomScoreAdj, 100);
    assert.equal(build(input).process.oomScoreAdj, 0);
    refuses(
      inputWith({ resources: { ...input.config.resources, oomScoreAdj: 1001 } }),
      'INVALID_ARGUMENT',
      /oom_score_adj/,
    );
  });
});

describe('capabilities', () => {
  it('adds and drops, ALL first, in any case and with or without CAP_', () => {
    const names = (add: string[], drop: string[]) =>
      build(inputWith({}, { addCapabilities: add, dropCapabilities: drop })).process.capabilities.bounding;
    assert.equal(names([], []).length, 14);
    assert.deepEqual(names([], ['all']), []);
    assert.deepEqual(names(['net_admin', 'CAP_CHOWN'], ['ALL']), ['CAP_CHOWN', 'CAP_NET_ADMIN']);
    assert.deepEqual(
      names(['ALL'], ['sys_admin']),
      host.capabilities.filter((name) => name !== 'CAP_SYS_ADMIN'),
    );
    refuses(inputWith({}, { addCapabilities: ['X'] }), 'INVALID_ARGUMENT', /capabilities\.add_capabilities\[0\]/);
    const poor = { ...host, capabilities: ['CAP_CHOWN'] };
    refuses(inputWith({}, { addCapabilities: ['KILL'] }, { host: poor }), 'FAILED_PRECONDITION', /CAP_KILL/);
  });

  it('makes ambient only what was asked to be', () => {
    const { capabilities } = build(inputWith({}, { addAmbientCapabilities: ['NET_ADMIN'] })).process;
    assert.deepEqual(capabilities.ambient, ['CAP_NET_ADMIN']);
    assert.deepEqual(capabilities.inheritable, ['CAP_NET_ADMIN']);
    assert.ok(capabilities.permitted.includes('CAP_NET_ADMIN'));
    assert.deepEqual(build(input).process.capabilities.inheritable, []);
  });
});

describe('privileged', () => {
  const pod = { ...input.pod, privileged: true };
  const device = { path: '/dev/kvm', type: 'c', major: 10, minor: 232, fileMode: 0o600, uid: 0, gid: 0 } as const;
  const secure = {
    privileged: true,
    dropCapabilities: ['CHOWN'],
    maskedPaths: ['/proc/kcore'],
    seccomp: { type: 'runtime-default', localhostRef: '' },
  } as const;

  it('gets all capabilities and devices, writable sysfs, no masks, no seccomp, the host cgroup namespace', () => {
    const spec = build(inputWith({}, secure, { pod, hostDevices: [device] }));
    assert.deepEqual(spec.process.capabilities.effective, host.capabilities);
    assert.deepEqual(spec.linux.maskedPaths, []);
    assert.equal(spec.linux.seccomp, undefined);
    assert.deepEqual(spec.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
    assert.deepEqual(spec.linux.devices, [device]);
    assert.ok(!spec.linux.namespaces.some(({ type }) => type === 'cgroup'));
    for (const path of ['/sys', '/sys/fs/cgroup']) {
      assert.ok(spec.mounts.find(({ destination }) => destination === path)?.options.includes('rw'), path);
    }
  });

  it('is refused in a pod that is not', () => {
    refuses(inputWith({}, secure), 'INVALID_ARGUMENT', /security_context\.privileged/);
  });
});

describe('namespaces', () => {
  it('joins by path, makes new ones, and leaves out the host’s', () => {
    const namespaces = { network: 'host', ipc: '/run/ipc', uts: 'new', pid: 'new' };
    const spec = build({ ...input, namespaces });
    assert.deepEqual(spec.linux.namespaces, [
      { type: 'mount' },
      { type: 'ipc', path: '/run/ipc' },
      { type: 'uts' },
      { type: 'pid' },
      { type: 'cgroup' },
    ]);
    assert.equal(spec.hostname, 'box');
    assert.equal(build(input).hostname, undefined);
  });

  it('joins the user namespace of the pod, and refuses to run without one that was asked for', () => {
    const range = [{ containerId: 0, hostId: 1000, length: 4 }];
    const user = { uids: range, gids: range };
    const secure = { namespaces: { ...input.config.security.namespaces, user } };
    const namespaces = { ...input.namespaces, user: { ...user, path: '/run/user' } };
    const { linux, mounts } = build(inputWith({}, secure, { namespaces }));
    assert.deepEqual(linux.namespaces[0], { type: 'user', path: '/run/user' });
    assert.deepEqual(linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 4 }]);
    assert.deepEqual(linux.gidMappings, linux.uidMappings);
    const pts = mounts.find(({ destination }) => destination === '/dev/pts');
    assert.ok(!pts?.options.includes('gid=5'), 'there is no group 5 in it');
    refuses(inputWith({}, secure), 'INTERNAL', /not run without/);
    const other = { uid: 4, gid: 0, additionalGids: [0], home: '/' };
    refuses(
      inputWith({}, secure, { namespaces, user: other }),
      'INVALID_ARGUMENT',
      /run_as_user: user 4 is not mapped/,
    );
    const grouped = { ...other, uid: 3, additionalGids: [0, 9] };
    refuses(inputWith({}, secure, { namespaces, user: grouped }), 'INVALID_ARGUMENT', /group 9 is not mapped/);
  });
});

describe('mounts', () => {
  const bind = (destination: string, options: string[] = []): ResolvedMount => ({
    destination,
    type: 'bind',
    source: '/src',
    options,
  });

  it('puts defaults first, then parents before children in a stable order', () => {
    const mounts = [bind('/a/b/c'), bind('/z'), bind('/a/b'), bind('/a')];
    const destinations = build({ ...input, mounts }).mounts.map(({ destination }) => destination);
    assert.equal(destinations[0], '/proc');
    assert.deepEqual(destinations.slice(-4), ['/z', '/a', '/a/b', '/a/b/c']);
  });

  it('drops a default that an input mount replaces or covers', () => {
    const own = (mounts: ResolvedMount[]) => build({ ...input, mounts }).mounts.map(({ destination }) => destination);
    assert.deepEqual(own([bind('/dev/')]), ['/proc', '/sys', '/sys/fs/cgroup', '/dev']);
    assert.equal(own([bind('/dev/shm')]).filter((path) => path === '/dev/shm').length, 1);
    refuses({ ...input, mounts: [bind('/x/..')] }, 'INVALID_ARGUMENT', /container_path/);
  });

  it('makes the root propagate what its mounts ask for', () => {
    const propagation = (...options: string[]) =>
      build({ ...input, mounts: options.map((option, index) => bind(`/m${index}`, [option])) }).linux.rootfsPropagation;
    assert.equal(propagation('rprivate'), undefined);
    assert.equal(propagation('rslave', 'rprivate'), 'rslave');
    assert.equal(propagation('rshared', 'rslave'), 'rshared');
  });
});

describe('security', () => {
  it('gives AppArmor and SELinux where the host has them', () => {
    const selinux = { user: '', role: '', type: 'spc_t', level: 's0:c1,c2' };
    const able = { ...host, selinux: true };
    const { process } = build(inputWith({}, { selinux }, { host: able, apparmorProfile: 'mine' }));
    assert.equal(process.apparmorProfile, 'mine');
    assert.equal(process.selinuxLabel, 'system_u:system_r:spc_t:s0:c1,c2');
    const plain = build(inputWith({}, { selinux })).process;
    assert.deepEqual([plain.apparmorProfile, plain.selinuxLabel], [undefined, undefined]);
  });

  it('hands no annotation of the client to the OCI runtime', () => {
    const { annotations } = build(inputWith({ annotations: { 'run.oci.hooks.stdout': '/x' } }));
    assert.ok(Object.keys(annotations).every((key) => key.startsWith('io.kubernetes.cri.')));
    assert.equal(annotations['io.kubernetes.cri.image-name'], 'nginx');
  });

  it('names the limit of open files, so that no runtime hands its own on; a limit that is none is left out', () => {
    assert.deepEqual(build(input).process.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 524_288 }]);
    const rlimitsWith = (openFiles: typeof host.openFiles) =>
      build(inputWith({}, {}, { host: { ...host, openFiles } })).process.rlimits;
    assert.equal(rlimitsWith(undefined), undefined);
    assert.equal(rlimitsWith({ soft: 1024n, hard: 2n ** 64n - 1n }), undefined);
  });
});
