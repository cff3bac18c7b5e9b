import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerConfig, MountConfig } from '../../runtime/containers/config.js';
import { unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { mountOf } from '../volumes/fixture.js';

const NEVER = new AbortController().signal;
const RANGE = [{ containerId: 0, hostId: 200_000, length: 65_536 }];
const USER = { uids: RANGE, gids: RANGE };
const MAPPED = { uidMappings: RANGE, gidMappings: RANGE };

let node: TestNode;
let pod = '';
let attempt = 0;
const pods = () => node.node().pods;

before(async () => {
  node = await startTestNode('10.203.43.0/24', 'cribtestidmap0');
  const config = podConfig('mapped');
  const namespaces = { ...config.security.namespaces, user: USER };
  pod = await pods().runPod({ ...config, security: { ...config.security, namespaces } }, '', NEVER);
});
after(() => node.stop());

function source(name: string): string {
  const directory = path.join(node.directory, name);
  fs.mkdirSync(path.join(directory, 'sub'), { recursive: true });
  fs.chmodSync(directory, 0o755);
  fs.writeFileSync(path.join(directory, 'file'), 'of the host\n');
  fs.chownSync(path.join(directory, 'file'), 3, 4);
  return directory;
}

function using(mounts: readonly MountConfig[], script = 'sleep 1000'): ContainerConfig {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, node.image);
  const namespaces = { ...base.security.namespaces, user: USER };
  return { ...base, mounts, command: ['sh', '-c', script], security: { ...base.security, namespaces } };
}

async function start(mounts: readonly MountConfig[]): Promise<string> {
  const id = await pods().createContainer(pod, using(mounts), undefined);
  await pods().startContainer(id);
  return id;
}

async function text(id: string, script: string): Promise<string> {
  const { stdout, stderr } = await pods().execSync(id, ['sh', '-c', script], 10_000, NEVER);
  return `${stdout}${stderr}`.trim();
}

const ownMounts = () =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => /\/containers\/\w+\/volumes\//.test(line));
const mount = (...args: string[]) => execFileSync('mount', args, { timeout: 10_000 });

test('the owners of a mapped volume are those on the host, and what the container writes is too', async () => {
  const directory = source('owners');
  const file = path.join(directory, 'file');
  const id = await start([
    mountOf(directory, '/v', MAPPED),
    mountOf(directory, '/unmapped'),
    mountOf(file, '/etc/one', { ...MAPPED, readonly: true }),
  ]);
  assert.equal(await text(id, 'stat -c %u:%g /v /v/file /etc/one'), '0:0\n3:4\n3:4');
  assert.equal(await text(id, 'stat -c %u:%g /unmapped/file'), '65534:65534');
  assert.equal(await text(id, 'echo new > /v/new; chown 8:9 /v/new; cat /v/new'), 'new');
  const { uid, gid } = fs.statSync(path.join(directory, 'new'));
  assert.deepEqual([uid, gid], [8, 9]);
  assert.match(await text(id, 'echo x >> /etc/one'), /[Rr]ead-only/);
  assert.match(await text(id, 'touch /unmapped/new'), /[Pp]ermission denied/);
  assert.deepEqual(ownMounts(), [], 'once it runs, only the container has the mounts');
});

test('a tmpfs that the kubelet unmounts is free again although the container exists', async () => {
  const directory = source('secret');
  mount('-t', 'tmpfs', 'tmpfs', directory);
  const never = await pods().createContainer(pod, using([mountOf(directory, '/v', MAPPED)]), undefined);
  assert.equal(ownMounts().length, 1);
  await pods().removeContainer(never);
  assert.deepEqual(ownMounts(), []);
  unmountIfMounted(directory);
});

test('mounts below come along, later ones where the propagation says so, and recursive read-only reaches them', async () => {
  const directory = source('tree');
  mount('--bind', directory, directory);
  mount('--make-shared', directory);
  mount('-t', 'tmpfs', '-o', 'mode=777', 'tmpfs', path.join(directory, 'sub'));
  fs.mkdirSync(path.join(directory, 'late'));
  const id = await start([
    mountOf(directory, '/private', MAPPED),
    mountOf(directory, '/slave', { ...MAPPED, propagation: 'host-to-container' }),
    mountOf(directory, '/ro', { ...MAPPED, readonly: true }),
    mountOf(directory, '/rro', { ...MAPPED, readonly: true, recursiveReadOnly: true }),
  ]);
  mount('-t', 'tmpfs', 'tmpfs', path.join(directory, 'late'));
  fs.writeFileSync(path.join(directory, 'late', 'seen'), '');
  assert.equal(await text(id, 'ls /private/late /slave/late'), '/private/late:\n\n/slave/late:\nseen');
  assert.equal(
    await text(id, 'for d in /private /slave /ro /rro; do touch $d/sub/x 2>/dev/null && echo $d; done'),
    '/private\n/slave\n/ro',
  );
  assert.match(await text(id, 'touch /ro/x'), /[Rr]ead-only/);
  await pods().removeContainer(id);
  assert.equal(fs.existsSync(path.join(directory, 'late/seen')), true, 'nothing of the host was unmounted');
  for (const below of ['late', 'sub', '']) unmountIfMounted(path.join(directory, below));
});

test('from a user namespace nothing is passed on to the host: that is refused', async () => {
  const bidirectional = mountOf(source('refused'), '/v', { propagation: 'bidirectional' });
  await assert.rejects(pods().createContainer(pod, using([bidirectional]), undefined), {
    code: 'FAILED_PRECONDITION',
    message: /mounts\[0\]\.propagation: this sandbox cannot pass mounts on to the host/,
  });
});

test('an image volume has the ids of the namespace', async () => {
  const image = { image: node.image, userSpecifiedImage: '', annotations: {} };
  const id = await start([{ ...mountOf('', '/image', MAPPED), image }]);
  assert.equal(await text(id, 'stat -c %u:%g /image /image/bin/busybox'), '0:0\n0:0');
});

test('a container that was made before a restart has its volumes after it, and a pod that stops lets go of them', async () => {
  const directory = source('restart');
  const created = await pods().createContainer(pod, using([mountOf(directory, '/v', MAPPED)]), undefined);
  await node.restart();
  await pods().startContainer(created);
  assert.equal(await text(created, 'stat -c %u:%g /v/file'), '3:4');
  await pods().createContainer(pod, using([mountOf(directory, '/v', MAPPED)]), undefined);
  assert.equal(ownMounts().length, 1);
  await pods().stopPod(pod);
  assert.deepEqual(ownMounts(), []);
});
