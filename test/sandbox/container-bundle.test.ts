/** Which parts go into a container's specification; what becomes of them there is in runtime/spec. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { ContainerConfig } from '../../runtime/containers/config.js';
import type { ImageRecord } from '../../runtime/images/types.js';
import type { OciSpec } from '../../runtime/spec/types.js';
import { buildBundle } from '../../sandbox/container-bundle.js';
import type { PodRecord } from '../../sandbox/pod-record.js';
import type { Spec } from '../runtime/spec/inputs.js';
import { host } from '../runtime/spec/inputs.js';
import { containerConfig } from '../support/configs.js';
import { fakeNode } from '../support/fake-node.js';
import { podRecord } from '../support/records.js';

const RUN = {
  ...{ user: 'app', env: [], entrypoint: [], cmd: ['/bin/true'], workingDir: '', stopSignal: '', labels: {} },
  volumes: ['/var/data'],
};
const IMAGE = { id: 'sha256:1', run: RUN } as unknown as ImageRecord;
const FILES = [
  { destination: '/etc/hosts', source: '/pod/hosts' },
  { destination: '/etc/resolv.conf', source: '/pod/resolv.conf' },
  { destination: '/dev/shm', source: '/pod/shm' },
];

async function room(t: Parameters<typeof fakeNode>[0], change: Partial<PodRecord> = {}) {
  const backend = {
    cgroupOf: (pod: PodRecord, id: string) => `${pod.cgroup}/${id}`,
    podFiles: () => FILES,
    sharedPidNamespace: async () => '/pod/pid',
    pidNamespaceOf: ({ id, pid }: { id: string; pid: number }) => (pid === 0 ? undefined : `/proc/${id}/ns/pid`),
    containerSpec: (_: PodRecord, __: string, spec: OciSpec) => spec,
    guestObstacle: () => undefined,
  };
  const made = await fakeNode(t, { backend, parts: { host, cdiSpecDirs: [] } });
  const pod = await made.addPod(change);
  const rootfs = path.join(made.root, 'rootfs');
  await fs.mkdir(path.join(rootfs, 'etc'), { recursive: true });
  await fs.writeFile(path.join(rootfs, 'etc/passwd'), 'app:x:7:8::/home/app:/bin/sh\n');
  const build = async (config: ContainerConfig) => {
    const bundle = await buildBundle(made.node, pod, { id: 'c', config, image: IMAGE, rootfs });
    return { ...bundle, spec: JSON.parse(JSON.stringify(bundle.spec)) as Spec };
  };
  return { ...made, pod, rootfs, build };
}

const CONFIG = containerConfig();
const secured = (change: Partial<ContainerConfig['security']>): ContainerConfig => ({
  ...CONFIG,
  security: { ...CONFIG.security, ...change },
});
const inPid = (pid: ContainerConfig['security']['namespaces']['pid'], targetId = ''): ContainerConfig =>
  secured({ namespaces: { ...CONFIG.security.namespaces, pid, targetId } });

test('the user is the image’s, looked up in its own accounts, and the cgroup the backend’s', async (t) => {
  const { build } = await room(t);
  const { user, cgroup, hasHooks, volumes } = await build(CONFIG);
  assert.deepEqual([user.uid, user.gid, user.home], [7, 8, '/home/app']);
  assert.deepEqual([cgroup, hasHooks, volumes], ['/crib/pod/c', false, []]);
});

test('the pod’s files are there unless the client mounts its own, read-only with the root, shared memory never', async (t) => {
  const { build, root } = await room(t);
  const files = (spec: Spec) =>
    spec.mounts
      .filter(({ source }) => source.startsWith('/pod/') || source.startsWith(root))
      .map(({ destination, source, options }) => [destination, path.basename(source), options.includes('ro')]);
  assert.deepEqual(files((await build(CONFIG)).spec), [
    ['/etc/hosts', 'hosts', false],
    ['/etc/resolv.conf', 'resolv.conf', false],
    ['/dev/shm', 'shm', false],
  ]);
  assert.deepEqual(
    files((await build(secured({ readonlyRootfs: true }))).spec).filter(([name]) => name !== '/var/data'),
    [
      ['/etc/hosts', 'hosts', true],
      ['/etc/resolv.conf', 'resolv.conf', true],
      ['/dev/shm', 'shm', false],
    ],
  );
  const own = path.join(root, 'own-hosts');
  await fs.writeFile(own, '');
  const mount = {
    ...{ containerPath: '/etc/hosts', hostPath: own, readonly: false, recursiveReadOnly: false, selinuxRelabel: false },
    ...{ propagation: 'private' as const, uidMappings: [], gidMappings: [], image: undefined, imageSubPath: '' },
  };
  const { spec, volumes } = await build({ ...CONFIG, mounts: [mount] });
  const hosts = spec.mounts.filter(({ destination }) => destination === '/etc/hosts');
  assert.equal(hosts.length, 1);
  assert.notEqual(hosts[0]?.source, '/pod/hosts');
  assert.deepEqual(
    volumes.map(({ kind }) => kind),
    ['bind'],
  );
});

test('what the image declares as a volume is there, and is written to under a read-only root', async (t) => {
  const { build, rootfs } = await room(t);
  const data = (spec: Spec) => spec.mounts.filter(({ destination }) => destination === '/var/data');
  assert.deepEqual(data((await build(CONFIG)).spec), []);
  assert.ok((await fs.stat(path.join(rootfs, 'var/data'))).isDirectory());
  const [mount] = data((await build(secured({ readonlyRootfs: true }))).spec);
  assert.ok(mount !== undefined && !mount.options.includes('ro'));
});

test('a PID namespace is the container’s own, the host’s, or what the pod was made with', async (t) => {
  const pidOf = (spec: Spec) => spec.linux.namespaces.find(({ type }) => type === 'pid') ?? 'host';
  const { build } = await room(t);
  assert.deepEqual(pidOf((await build(inPid('container'))).spec), { type: 'pid' });
  assert.equal(pidOf((await build(inPid('node'))).spec), 'host');
  assert.deepEqual(pidOf((await build(inPid('pod'))).spec), { type: 'pid' }, 'this pod shares none');
  const shared = await room(t, { namespaces: { ...podRecord('pod').namespaces, pid: 'pod' } });
  assert.deepEqual(pidOf((await shared.build(inPid('pod'))).spec), { type: 'pid', path: '/pod/pid' });
  const ofHost = await room(t, { namespaces: { ...podRecord('pod').namespaces, pid: 'host' } });
  assert.equal(pidOf((await ofHost.build(inPid('pod'))).spec), 'host');
});

test('the PID namespace of another container is that of one which runs in the same pod', async (t) => {
  const { build, addContainer, addPod } = await room(t);
  await addContainer('target');
  const { spec } = await build(inPid('target', 'target'));
  assert.deepEqual(
    spec.linux.namespaces.find(({ type }) => type === 'pid'),
    { type: 'pid', path: '/proc/target/ns/pid' },
  );
  await addPod({ id: 'other' });
  await addContainer('elsewhere', { podId: 'other' });
  await addContainer('done', { state: 'exited' });
  await addContainer('ending', { pid: 0 });
  for (const id of ['elsewhere', 'done', 'ending']) {
    const message = new RegExp(`target_id: container ${id} does not run in this pod`);
    await assert.rejects(build(inPid('target', id)), { code: 'FAILED_PRECONDITION', message }, id);
  }
  await assert.rejects(build(inPid('target', 'none')), { code: 'NOT_FOUND' });
});

test('a pod without a name of its own has the host’s', async (t) => {
  const own = { ...podRecord('pod').namespaces, uts: 'new' };
  const named = await room(t, { namespaces: own });
  assert.equal((await named.build(CONFIG)).spec.hostname, 'pod');
  const nameless = await room(t, { namespaces: own, config: { ...podRecord('pod').config, hostname: '' } });
  assert.equal((await nameless.build(CONFIG)).spec.hostname, os.hostname());
});
