import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type PodManifest, readManifest } from '../../../../cri/cli/manifest.js';
import { localPodsRoot, logDirectoryOf, removeLocalPod } from '../../../../cri/cli/pod/local-pods.js';
import { bindMounts, makeVolumes } from '../../../../cri/cli/pod/volumes.js';

const UID = '3f2a9c1e-0000-4000-8000-000000000001';
let root = '';
let localPods = '';
let said: string[] = [];

beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-cli-volumes-'));
  localPods = localPodsRoot(root);
  said = [];
});
afterEach(async () => {
  await removeLocalPod(logDirectoryOf(localPods, UID), UID);
  await fs.rm(root, { recursive: true, force: true });
});

function pod(volumes: object[], mounts: object[], spec: object = {}): PodManifest {
  return readManifest({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { ...spec, volumes, containers: [{ name: 'c', image: 'i', volumeMounts: mounts }] },
  });
}

async function hostPathOf(manifest: PodManifest): Promise<string> {
  const [container] = manifest.containers;
  assert.ok(container !== undefined);
  const volumes = await makeVolumes(localPods, UID, manifest);
  const [mount] = await bindMounts({ localPods, uid: UID, say: (line) => said.push(line) }, container, volumes);
  return mount?.hostPath ?? '';
}

test('each kind of volume is made, and all of it goes again', async () => {
  const volumes = [
    { name: 'disk', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'files', configMap: { data: { greeting: 'hello' } } },
    { name: 'host', hostPath: { path: root } },
  ];
  const paths = await makeVolumes(localPods, UID, pod(volumes, [], { securityContext: { fsGroup: 1234 } }));
  const stat = await fs.stat(paths.get('disk') ?? '');
  assert.deepEqual([stat.gid, stat.mode & 0o7777], [1234, 0o2777]);
  const { type, blocks, bsize } = await fs.statfs(paths.get('memory') ?? '');
  assert.deepEqual([type, blocks * bsize], [0x01021994, 1024 * 1024]);
  assert.equal(await fs.readFile(path.join(paths.get('files') ?? '', 'greeting'), 'utf8'), 'hello');
  assert.equal(paths.get('host'), root);
  await removeLocalPod(logDirectoryOf(localPods, UID), UID);
  assert.deepEqual(await fs.readdir(localPods), []);
  assert.ok((await fs.readdir(root)).length > 0, 'a hostPath is not ours to remove');
});

test('a hostPath that is not there is said by name', async () => {
  const manifest = pod([{ name: 'v', hostPath: { path: `${root}/none` } }], []);
  await assert.rejects(makeVolumes(localPods, UID, manifest), /volume v: hostPath .*none/);
});

test('a subPath that is not there is made', async () => {
  const manifest = pod([{ name: 'v', emptyDir: {} }], [{ name: 'v', mountPath: '/m', subPath: 'a/b' }]);
  const made = await hostPathOf(manifest);
  assert.equal(made, path.join(localPods, UID, 'volume-subpaths/v/c/0'), 'where a kubelet has it');
  await fs.writeFile(path.join(made, 'file'), '');
  const volume = (await makeVolumes(localPods, UID, manifest)).get('v') ?? '';
  assert.deepEqual(await fs.readdir(path.join(volume, 'a/b')), ['file']);
  assert.equal(await hostPathOf(manifest), made, 'a container that is started again has it again');
});

test('a subPath may be a file of a volume', async () => {
  const volume = { name: 'v', configMap: { data: { key: 'value' } } };
  const file = await hostPathOf(pod([volume], [{ name: 'v', mountPath: '/m', subPath: 'key' }]));
  assert.equal(await fs.readFile(file, 'utf8'), 'value');
});

for (const subPath of ['../x', '/etc', 'a/../../b']) {
  test(`the subPath ${subPath} is refused`, async () => {
    const manifest = pod([{ name: 'v', emptyDir: {} }], [{ name: 'v', mountPath: '/m', subPath }]);
    await assert.rejects(hostPathOf(manifest), { code: 'INVALID_ARGUMENT' });
  });
}

test('a subPath through a symlink out of the volume is refused and makes nothing there', async () => {
  const manifest = pod([{ name: 'v', emptyDir: {} }], [{ name: 'v', mountPath: '/m', subPath: 'link/made' }]);
  const volume = (await makeVolumes(localPods, UID, manifest)).get('v') ?? '';
  const outside = path.join(root, 'outside');
  await fs.mkdir(outside);
  await fs.symlink(outside, path.join(volume, 'link'));
  await assert.rejects(hostPathOf(manifest), /leads out of its volume/);
  assert.deepEqual(await fs.readdir(outside), []);
  assert.match(said.join(), /an attack on the mounts of a pod was held off.*leads out of the volume/);
});

test("a kubelet's pod is not crib run's to remove", async () => {
  const logs = path.join(root, 'pods', `default_p_${UID}`);
  await fs.mkdir(logs, { recursive: true });
  await removeLocalPod(logs, UID);
  await removeLocalPod('', '');
  assert.ok((await fs.stat(logs)).isDirectory());
});
