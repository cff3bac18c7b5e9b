import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { createEmptyDir, removePodVolumes } from '../../volumes/local.js';
import { MountTable } from '../../volumes/mount-table.js';
import { makeTemporary, mountCommand, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

it('makes emptyDirs with size, group and mode, again without harm', async () => {
  const memory = await createEmptyDir(root, 'pod', 'm', { medium: 'Memory', sizeLimitBytes: 1 << 20, fsGroup: 1234 });
  fs.writeFileSync(path.join(memory, 'kept'), 'x');
  assert.equal(await createEmptyDir(root, 'pod', 'm', { medium: 'Memory', sizeLimitBytes: 1 << 20 }), memory);
  assert.equal(fs.readFileSync(path.join(memory, 'kept'), 'utf8'), 'x');
  assert.equal((await MountTable.read()).below(memory).length, 1);
  assert.throws(() => fs.writeFileSync(path.join(memory, 'big'), Buffer.alloc(2 << 20)), { code: 'ENOSPC' });
  const disk = await createEmptyDir(root, 'pod', 'd', { medium: '', fsGroup: 4321 });
  const stat = fs.statSync(disk);
  assert.equal(stat.mode & 0o7777, 0o2777);
  assert.equal(stat.gid, 4321);
  assert.equal(fs.statSync(memory).gid, 1234);
});

it('refuses names that are paths', async () => {
  for (const name of ['..', '', 'a/b', 'a\0']) {
    await assert.rejects(createEmptyDir(root, name, 'v', { medium: '' }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(createEmptyDir(root, 'pod', name, { medium: '' }), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(removePodVolumes(root, name), { code: 'INVALID_ARGUMENT' });
  }
});

it('removes a pod without following symlinks, and what is bound into it stays', async () => {
  const precious = path.join(root, 'precious');
  fs.mkdirSync(precious);
  fs.writeFileSync(path.join(precious, 'file'), 'keep');
  const memory = await createEmptyDir(root, 'gone', 'm', { medium: 'Memory' });
  const disk = await createEmptyDir(root, 'gone', 'd', { medium: '' });
  fs.mkdirSync(path.join(memory, 'bound'));
  mountCommand('--bind', precious, path.join(memory, 'bound'));
  fs.symlinkSync(precious, path.join(disk, 'link'));
  await removePodVolumes(root, 'gone');
  await removePodVolumes(root, 'gone');
  assert.equal(fs.existsSync(path.join(root, 'gone')), false);
  assert.equal(fs.readFileSync(path.join(precious, 'file'), 'utf8'), 'keep');
  assert.deepEqual((await MountTable.read()).below(path.join(root, 'gone')), []);
});

it('treats a symlink in place of the pod as an attack', async () => {
  const target = path.join(root, 'target');
  fs.mkdirSync(target);
  fs.symlinkSync(target, path.join(root, 'swapped'));
  await assert.rejects(removePodVolumes(root, 'swapped'), { code: 'FAILED_PRECONDITION' });
  assert.equal(fs.existsSync(target), true);
});
