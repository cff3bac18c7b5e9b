import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { mountIdMapped, releaseOwned } from '../../volumes/owned.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { HOST, makeTemporary, mountCommand, mountOf, removeTemporary } from './fixture.js';

const RANGE = [{ containerId: 0, hostId: 70_000, length: 1000 }];
const MAPPINGS = { uids: RANGE, gids: RANGE };
const MAPPED = { uidMappings: RANGE, gidMappings: RANGE };
let root = '';
let owned = '';

before(() => {
  root = makeTemporary();
  owned = path.join(root, 'owned');
});
after(() => removeTemporary(root));

const context = () => ({ ...HOST, owned, capabilities: { ...HOST.capabilities, idmap: true } });
const mounted = (below: string) =>
  fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[4]?.startsWith(below));

test('a mapped volume is mounted from a path of its own, directories and files, and released', async () => {
  const source = path.join(root, 'plain');
  fs.mkdirSync(source);
  fs.writeFileSync(path.join(source, 'file'), 'text');
  fs.chownSync(path.join(source, 'file'), 5, 6);
  const mounts = [
    mountOf(source, '/unmapped'),
    mountOf(source, '/directory', MAPPED),
    mountOf(path.join(source, 'file'), '/file', { ...MAPPED, readonly: true }),
  ];
  const prepared = await prepareVolumes(mounts, context());
  assert.deepEqual(
    prepared.map(({ mount }) => mount?.source),
    [source, path.join(owned, '1'), path.join(owned, '2')],
  );
  assert.equal(fs.statSync(path.join(owned, '1/file')).uid, 70_005);
  assert.equal(fs.statSync(path.join(owned, '2')).gid, 70_006);
  assert.equal(mounted(owned).length, 2);
  releaseOwned(owned);
  releaseOwned(owned);
  assert.equal(mounted(owned).length, 0);
  assert.equal(fs.existsSync(owned), false);
  assert.equal(fs.readFileSync(path.join(source, 'file'), 'utf8'), 'text');
});

test('releasing a copy of a shared tree unmounts nothing below its source', () => {
  for (const propagation of ['private', 'host-to-container', 'bidirectional'] as const) {
    const source = path.join(root, `shared-${propagation}`);
    fs.mkdirSync(source);
    mountCommand('--bind', source, source);
    mountCommand('--make-shared', source);
    fs.mkdirSync(path.join(source, 'below'));
    mountCommand('-t', 'tmpfs', 'tmpfs', path.join(source, 'below'));
    mountIdMapped(source, path.join(owned, '0'), MAPPINGS, propagation);
    assert.equal(mounted(path.join(owned, '0')).length, 2, propagation);
    releaseOwned(owned);
    assert.equal(mounted(source).length, 2, propagation);
  }
});

test('what cannot be unmounted stops none of the others, and all of it is told', () => {
  const place = path.join(root, 'several');
  for (const name of ['a', 'b', 'c', 'd']) fs.mkdirSync(path.join(place, name), { recursive: true });
  // A mount point that cannot be removed, as one that stays mounted.
  for (const name of ['a', 'c']) fs.writeFileSync(path.join(place, name, 'file'), '');
  for (const name of ['b', 'd']) mountCommand('-t', 'tmpfs', 'tmpfs', path.join(place, name));
  assert.throws(() => releaseOwned(place), {
    code: 'FAILED_PRECONDITION',
    message: /unmounting the volumes in .*several: a: .*ENOTEMPTY.*; c: .*ENOTEMPTY/,
  });
  assert.equal(mounted(place).length, 0);
  assert.deepEqual(fs.readdirSync(place), ['a', 'c']);
  for (const name of ['a', 'c']) fs.rmSync(path.join(place, name, 'file'));
  releaseOwned(place);
  assert.equal(fs.existsSync(place), false);
});

test('a symlink in place of a mount goes, and what it leads to stays mounted', () => {
  const precious = path.join(root, 'precious');
  fs.mkdirSync(precious);
  mountCommand('-t', 'tmpfs', 'tmpfs', precious);
  mountCommand('--make-shared', precious);
  fs.mkdirSync(path.join(root, 'swapped'));
  fs.symlinkSync(precious, path.join(root, 'swapped/0'));
  releaseOwned(path.join(root, 'swapped'));
  assert.equal(mounted(precious).length, 1);
  assert.match(mounted(precious)[0] ?? '', / shared:/, 'its propagation is as it was');
});

test('what cannot be id-mapped is refused with the field and the file system, and the others are released', async () => {
  const good = mountOf(root, '/good', MAPPED);
  await assert.rejects(prepareVolumes([good, mountOf('/proc/self', '/bad', MAPPED)], context()), {
    code: 'FAILED_PRECONDITION',
    message:
      /^config\.mounts\[1\]\.uidMappings: host path on proc: id-mapping .*: this kernel cannot id-map its file system/,
  });
  assert.equal(fs.existsSync(owned), false);
});

test('a mapping has to be one, for users and for groups, and the sandbox must be able to', async () => {
  for (const [change, code, message] of [
    [{ uidMappings: RANGE }, 'INVALID_ARGUMENT', /^config\.mounts\[0\]\.gidMappings: it is empty/],
    [{ gidMappings: RANGE }, 'INVALID_ARGUMENT', /^config\.mounts\[0\]\.uidMappings: it is empty/],
    [{ ...MAPPED, uidMappings: [...RANGE, ...RANGE] }, 'INVALID_ARGUMENT', /it has 2 ranges/],
  ] as const) {
    await assert.rejects(prepareVolumes([mountOf(root, '/x', change)], context()), { code, message });
  }
  await assert.rejects(prepareVolumes([mountOf(root, '/x', MAPPED)], HOST), {
    code: 'FAILED_PRECONDITION',
    message: /no id-mapped mounts: a test/,
  });
});
