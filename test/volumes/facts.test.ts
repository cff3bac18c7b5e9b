import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { gatherFacts } from '../../volumes/facts.js';
import { createEmptyDir } from '../../volumes/local.js';
import { createConfigVolume } from '../../volumes/local-config.js';
import { Mounts, MountTable } from '../../volumes/mount-table.js';
import { HOST, makeTemporary, mountCommand, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

/** By statmount(2), and as on a kernel without it. */
const LOOKUPS: readonly (readonly [name: string, make: () => Mounts])[] = [
  ['asking for one mount', () => new Mounts()],
  ['reading the table', () => new Mounts(() => undefined)],
];
const gather = async (hostPath: string, mounts = new Mounts()) => gatherFacts(hostPath, '/in', mounts, HOST);

test('the type of what a path leads to', async () => {
  fs.writeFileSync(path.join(root, 'file'), '');
  execFileSync('mkfifo', [path.join(root, 'fifo')]);
  fs.symlinkSync('file', path.join(root, 'link'));
  for (const [name, type, real] of [
    ['.', 'directory', root],
    ['file', 'file', path.join(root, 'file')],
    ['fifo', 'fifo', path.join(root, 'fifo')],
    ['link', 'file', path.join(root, 'file')],
  ] as const) {
    const { facts } = await gather(path.join(root, name));
    assert.equal(facts.type, type, name);
    assert.equal(facts.realPath, real, name);
  }
  assert.equal((await gather('/dev/null')).facts.type, 'character');
});

test('what is not there is missing, a symlink to nothing and a path through a file are refused', async () => {
  const missing = await gather(path.join(root, 'none/deep'));
  assert.equal(missing.facts.type, 'missing');
  assert.equal(missing.mount, undefined);
  fs.symlinkSync('/nonexistent-crib', path.join(root, 'dangling'));
  await assert.rejects(gather(path.join(root, 'dangling')), {
    code: 'FAILED_PRECONDITION',
    message: /symlink to \/nonexistent-crib/,
  });
  await assert.rejects(gather('/dev/null/x'), { code: 'FAILED_PRECONDITION', message: /\/dev\/null\/x.*ENOTDIR/ });
  fs.symlinkSync('loop', path.join(root, 'loop'));
  await assert.rejects(gather(path.join(root, 'loop')), { code: 'FAILED_PRECONDITION', message: /ELOOP/ });
});

test('of stacked mounts the upper one, with its file system', async () => {
  const stacked = path.join(root, 'stacked');
  fs.mkdirSync(stacked);
  mountCommand('-t', 'tmpfs', 'lower', stacked);
  mountCommand('-t', 'tmpfs', 'upper', stacked);
  fs.mkdirSync(path.join(stacked, 'below'));
  const upper = (await MountTable.read()).entries.findLast(({ source }) => source === 'upper');
  for (const [name, make] of LOOKUPS) {
    const { facts, mount } = await gather(path.join(stacked, 'below'), make());
    assert.equal(facts.mountPoint, stacked, name);
    assert.equal(facts.filesystemMagic, FS_MAGIC.TMPFS, name);
    assert.equal(mount?.id, upper?.id, name);
  }
});

test('looking opens nothing for longer than the look', async () => {
  await gather(root);
  const open = fs.readdirSync('/proc/self/fd').length;
  for (let index = 0; index < 20; index += 1) {
    await gather(root);
    await gather('/dev/null/x').catch(() => undefined);
  }
  assert.equal(fs.readdirSync('/proc/self/fd').length, open);
});

test('both ways of looking come to the same, on every kind of file system that is here', async () => {
  for (const place of ['/', '/proc/self', '/sys', '/dev', '/dev/null', '/dev/pts', '/dev/shm', '/run', '/tmp', root]) {
    const [asked, read] = await Promise.all(LOOKUPS.map(([, make]) => gather(place, make())));
    assert.deepEqual(asked?.facts, read?.facts, place);
    const told = ({ id, parentId, root, tags, fsType }: NonNullable<NonNullable<typeof asked>['mount']>) =>
      [id, parentId, root, [...tags].sort(), fsType] as const;
    assert.ok(asked?.mount !== undefined && read?.mount !== undefined, place);
    assert.deepEqual(told(asked.mount), told({ ...read.mount, tags: read.mount.tags.filter(isPropagation) }), place);
  }
});

/** mountinfo also says from which peer group a slave receives. */
const isPropagation = (tag: string) => /^(shared|master):/.test(tag);

test('the mount point and device behind a path: the root file system, and binds on one device', async () => {
  const own = path.join(root, 'own');
  const seen = path.join(root, 'seen');
  for (const directory of [own, seen]) fs.mkdirSync(directory);
  fs.mkdirSync(path.join(own, 'deep'));
  mountCommand('--bind', own, seen);
  const { dev } = fs.statSync(own, { bigint: true });
  const device = `${(dev >> 8n) & 0xfffn}:${(dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)}`;
  assert.equal((await gather('/')).facts.mountPoint, '/');
  assert.notEqual((await gather(own)).facts.mountPoint, own);
  const bound = await gather(path.join(seen, 'deep'));
  assert.equal(bound.facts.mountPoint, seen);
  assert.equal(bound.facts.device, device);
  assert.equal((await gather(own)).facts.device, device);
});

test("what a kubelet binds by subPath is told by the mount's root and device, on disk and in memory", async () => {
  const kubelet = path.join(root, 'kubelet');
  const disk = await createEmptyDir(kubelet, HOST.podUid, 'cache', { medium: '' });
  const memory = await createEmptyDir(kubelet, HOST.podUid, 'fast', { medium: 'Memory' });
  const settings = await createConfigVolume(kubelet, HOST.podUid, 'settings', { 'a.txt': 'hello' });
  fs.mkdirSync(path.join(disk, 'a/b'), { recursive: true });
  fs.mkdirSync(path.join(memory, 'part'));
  const cases = [
    ['cache', path.join(disk, 'a/b'), { plugin: 'empty-dir', directory: disk, subPath: 'a/b', isMount: false }],
    ['fast', path.join(memory, 'part'), { plugin: 'empty-dir', directory: memory, subPath: 'part', isMount: true }],
    ['settings', fs.realpathSync(path.join(settings, 'a.txt')), { plugin: 'configmap', directory: settings }],
  ] as const;
  for (const [name, source, wanted] of cases) {
    const target = path.join(kubelet, HOST.podUid, 'volume-subpaths', name, 'web', '0');
    fs.mkdirSync(path.dirname(target), { recursive: true });
    if (fs.statSync(source).isDirectory()) fs.mkdirSync(target);
    else fs.writeFileSync(target, '');
    mountCommand('--bind', source, target);
    for (const [how, make] of LOOKUPS) {
      const { facts } = await gather(target, make());
      assert.equal(facts.volume?.name, name, how);
      for (const [key, value] of Object.entries(wanted)) {
        assert.equal(Object.entries(facts.volume ?? {}).find(([field]) => field === key)?.[1], value, `${name} ${key}`);
      }
    }
  }
  fs.rmSync(path.join(disk, 'a'), { recursive: true });
  const { facts } = await gather(path.join(kubelet, HOST.podUid, 'volume-subpaths/cache/web/0'));
  assert.equal(facts.deleted, true);
  assert.equal(facts.type, 'directory');
});

test("a bind elsewhere is no subPath of the pod's, and a subPath of another volume is not this one", async () => {
  const disk = await createEmptyDir(root, HOST.podUid, 'other', { medium: '' });
  for (const place of ['elsewhere', `${HOST.podUid}/volume-subpaths/cache/web/1`]) {
    const target = path.join(root, place);
    fs.mkdirSync(target, { recursive: true });
    mountCommand('--bind', disk, target);
    assert.equal((await gather(target)).facts.volume, undefined, place);
  }
});
