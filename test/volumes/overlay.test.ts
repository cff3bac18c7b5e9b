import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { releaseOwned } from '../../volumes/owned.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import type { VolumeContext } from '../../volumes/types.js';
import { HOST, makeTemporary, mountCommand, mountOf, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

const context = (name: string): VolumeContext => ({
  ...HOST,
  policy: { ...HOST.policy, overlay: ['bind'] },
  capabilities: { ...HOST.capabilities, idmap: true },
  owned: path.join(root, name, 'owned'),
  overlays: path.join(root, name, 'overlays'),
});
const source = (name: string) => {
  const directory = path.join(root, name);
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'file'), 'of the host');
  return directory;
};
const mounted = (below: string) =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[4]?.startsWith(below));

test('writes never reach the source, and the mounts go with the container', async () => {
  const plain = source('plain');
  fs.chmodSync(plain, 0o2775);
  fs.chownSync(plain, 12, 34);
  const [prepared] = await prepareVolumes([mountOf(plain, '/data')], context('one'));
  const merged = prepared?.mount?.source ?? '';
  assert.equal(merged, path.join(root, 'one/owned/0'));
  const { uid, gid, mode } = fs.statSync(merged);
  assert.deepEqual([uid, gid, mode & 0o7777], [12, 34, 0o2775]);
  fs.writeFileSync(path.join(merged, 'file'), 'of the container');
  fs.writeFileSync(path.join(merged, 'new'), '');
  assert.equal(fs.readFileSync(path.join(plain, 'file'), 'utf8'), 'of the host');
  assert.deepEqual(fs.readdirSync(plain), ['file']);
  assert.equal(mounted(path.join(root, 'one')).length, 1, 'the bind of the source is gone by now');
  releaseOwned(path.join(root, 'one/owned'));
  assert.deepEqual(mounted(path.join(root, 'one')), []);
});

test('what is read-only, or of another kind, is the source itself', async () => {
  const plain = source('untouched');
  const [readonly] = await prepareVolumes([mountOf(plain, '/data', { readonly: true })], context('two'));
  assert.equal(readonly?.mount?.source, plain);
});

test('a name is no option of the overlay, and more than one volume has its own layer', async () => {
  const names = ['with:colon', 'with,comma', 'upperdir=x'].map(source);
  const mounts = names.map((directory, index) => mountOf(directory, `/v${index}`));
  const prepared = await prepareVolumes(mounts, context('three'));
  for (const [index, { mount }] of prepared.entries()) {
    assert.deepEqual(fs.readdirSync(mount?.source ?? ''), ['file']);
    fs.writeFileSync(path.join(mount?.source ?? '', 'new'), '');
    assert.equal(fs.existsSync(path.join(names[index] ?? '', 'new')), false);
  }
  releaseOwned(path.join(root, 'three/owned'));
});

test('with the ids that were asked for', async () => {
  const plain = source('mapped');
  fs.chownSync(path.join(plain, 'file'), 5, 5);
  const ranges = [{ containerId: 0, hostId: 70_000, length: 1000 }];
  const mount = mountOf(plain, '/data', { uidMappings: ranges, gidMappings: ranges });
  const [prepared] = await prepareVolumes([mount], context('four'));
  assert.equal(fs.statSync(path.join(prepared?.mount?.source ?? '', 'file')).uid, 70_005);
  releaseOwned(path.join(root, 'four/owned'));
  assert.deepEqual(mounted(path.join(root, 'four')), []);
});

test('what an overlay would hide is refused with the field, and nothing is left', async () => {
  const outer = source('outer');
  fs.mkdirSync(path.join(outer, 'sub'));
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(outer, 'sub'));
  await assert.rejects(
    prepareVolumes([mountOf(root, '/x', { readonly: true }), mountOf(outer, '/y')], context('five')),
    {
      code: 'FAILED_PRECONDITION',
      message: /^config\.mounts\[1\]\.host_path: the configuration wants an overlay .*outer\/sub is mounted below it/,
    },
  );
  const shared = source('shared');
  mountCommand('--bind', shared, shared);
  mountCommand('--make-shared', shared);
  const bidirectional = mountOf(shared, '/x', { propagation: 'bidirectional' });
  await assert.rejects(prepareVolumes([bidirectional], context('six')), /config\.mounts\[0\]\.propagation: .*overlay/);
  assert.deepEqual([...mounted(path.join(root, 'five')), ...mounted(path.join(root, 'six'))], []);
});
