import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createEmptyDir } from '../../volumes/local.js';
import { createConfigVolume } from '../../volumes/local-config.js';
import { findPodVolumes } from '../../volumes/pod-directory.js';
import { makeTemporary, mountCommand, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('finds what the kubelet made: owner, mode, file system and size, under the real path', async () => {
  await createEmptyDir(root, 'pod', 'disk', { medium: '', fsGroup: 2000, sizeLimitBytes: 1 << 20 });
  await createEmptyDir(root, 'pod', 'memory', { medium: 'Memory', sizeLimitBytes: 8 << 20 });
  await createConfigVolume(root, 'pod', 'files', { one: '1' });
  fs.symlinkSync(root, path.join(root, 'link'));
  const [disk, memory, ...more] = await findPodVolumes([path.join(root, 'link'), '/nowhere'], 'pod', ['empty-dir']);
  assert.equal(more.length, 0);
  const parent = path.join(root, 'pod/volumes/kubernetes.io~empty-dir');
  const common = { plugin: 'empty-dir', uid: 0, gid: 0, mode: 0o777 };
  assert.deepEqual(disk, {
    ...common,
    ...{ name: 'disk', directory: path.join(parent, 'disk'), filesystem: 'other', gid: 2000, mode: 0o2777 },
    sizeLimitBytes: 1 << 20,
  });
  assert.deepEqual(memory, {
    ...common,
    ...{ name: 'memory', directory: path.join(parent, 'memory'), filesystem: 'tmpfs', sizeLimitBytes: 8 << 20 },
  });
  const all = await findPodVolumes([root], 'pod', ['empty-dir', 'configmap']);
  assert.deepEqual(
    all.map(({ name }) => name),
    ['disk', 'memory', 'files'],
  );
});

test('a kubelet whose root is on tmpfs has disk volumes all the same, of no known size', async () => {
  const pods = path.join(root, 'on-tmpfs');
  fs.mkdirSync(pods);
  mountCommand('-t', 'tmpfs', 'tmpfs', pods);
  await createEmptyDir(pods, 'pod', 'disk', { medium: '' });
  const [disk] = await findPodVolumes([pods], 'pod', ['empty-dir']);
  assert.deepEqual([disk?.filesystem, disk?.sizeLimitBytes], ['other', undefined]);
});

test('symlinks and files in the place of volumes are none, and a uid leads nowhere else', async () => {
  const parent = path.join(root, 'odd/volumes/kubernetes.io~empty-dir');
  fs.mkdirSync(parent, { recursive: true });
  fs.symlinkSync('/etc', path.join(parent, 'link'));
  fs.writeFileSync(path.join(parent, 'file'), '');
  assert.deepEqual(await findPodVolumes([root], 'odd', ['empty-dir', 'secret']), []);
  for (const uid of ['', '.', '..', 'a/b', '../odd']) {
    assert.deepEqual(await findPodVolumes([root], uid, ['empty-dir']), [], uid);
  }
});
