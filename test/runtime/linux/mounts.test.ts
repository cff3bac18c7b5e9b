import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { AT, FS_MAGIC, MNT, MOUNT_ATTR, MS } from '../../../runtime/linux/constants.js';
import { statFilesystem } from '../../../runtime/linux/files.js';
import { type MountInfo, parseMountInfo } from '../../../runtime/linux/mountinfo.js';
import {
  attachTree,
  cloneTree,
  hasFilesystem,
  makeTree,
  mount,
  mountByOptions,
  openPath,
  setMountAttributes,
  unmount,
  unmountDescriptor,
} from '../../../runtime/linux/mounts.js';

let directory = '';
const at = (name: string) => path.join(directory, name);
const mountsBelow = (): MountInfo[] =>
  parseMountInfo(fs.readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ mountPoint }) =>
    mountPoint.startsWith(directory),
  );
const mountAt = (name: string) => mountsBelow().findLast(({ mountPoint }) => mountPoint === at(name));

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-mounts-'));
  for (const name of ['a', 'b', 'c']) fs.mkdirSync(at(name));
});
afterEach(() => {
  for (const { mountPoint } of mountsBelow().reverse()) unmount(mountPoint);
  fs.rmSync(directory, { recursive: true });
});

test('a tmpfs with its options is mounted and unmounted; a failure names both ends', () => {
  mount('', at('a'), 'tmpfs', MS.NOSUID | MS.NODEV, 'size=64k,mode=0710');
  assert.equal(statFilesystem(at('a')).type, FS_MAGIC.TMPFS);
  assert.equal(fs.statSync(at('a')).mode & 0o7777, 0o710);
  assert.ok(mountAt('a')?.options.includes('nosuid'));
  assert.equal(mountAt('a')?.source, 'none');
  unmount(at('a'), 0);
  assert.deepEqual(mountsBelow(), []);
  assert.throws(() => unmount(at('a')), { code: 'EINVAL', syscall: 'umount2' });
  assert.throws(() => mount('tmpfs', at('absent'), 'tmpfs', 0), { code: 'ENOENT', message: /tmpfs on .*absent/ });
  assert.throws(() => mount('x', at('a'), 'nothing', 0), { code: 'ENODEV' });
});

test('unmount never follows a symlink, and one in use is busy unless it is detached', () => {
  mount('', at('a'), 'tmpfs', 0);
  fs.symlinkSync(at('a'), at('link'));
  assert.throws(() => unmount(at('link')), { code: 'EINVAL' });
  const inUse = fs.openSync(path.join(at('a'), 'file'), 'w');
  assert.throws(() => unmount(at('a'), 0), { code: 'EBUSY' });
  unmount(at('a'), MNT.DETACH);
  fs.writeSync(inUse, 'still there');
  fs.closeSync(inUse);
});

test('a copy of a tree is nowhere until it is attached, with what is mounted in it when asked', () => {
  mount('', at('a'), 'tmpfs', 0);
  fs.mkdirSync(path.join(at('a'), 'inner'));
  mount('', path.join(at('a'), 'inner'), 'tmpfs', 0);
  fs.writeFileSync(path.join(at('a'), 'inner', 'deep'), '');
  for (const [name, recursive] of [
    ['b', true],
    ['c', false],
  ] as const) {
    const tree = cloneTree(AT.FDCWD, at('a'), recursive);
    assert.equal(mountAt(name), undefined);
    attachTree(tree, AT.FDCWD, at(name));
    fs.closeSync(tree);
    assert.equal(fs.existsSync(path.join(at(name), 'inner', 'deep')), recursive);
  }
});

test('a mount goes onto what was opened, whatever the name means by then', () => {
  fs.writeFileSync(at('file'), 'content');
  const source = openPath(at('file'));
  fs.writeFileSync(at('target'), '');
  const target = openPath(at('target'));
  fs.renameSync(at('target'), at('moved'));
  fs.symlinkSync('/etc/passwd', at('target'));
  const tree = cloneTree(source, '', false);
  attachTree(tree, target, '');
  for (const fd of [source, target, tree]) fs.closeSync(fd);
  assert.equal(fs.readFileSync(at('moved'), 'utf8'), 'content');
  const link = openPath(at('target'));
  assert.ok(fs.fstatSync(link).isSymbolicLink(), 'the symlink itself is opened');
  fs.closeSync(link);
});

test('attributes are set on a copy before anyone sees it, below it too, and cleared', () => {
  mount('', at('a'), 'tmpfs', 0);
  fs.mkdirSync(path.join(at('a'), 'inner'));
  mount('', path.join(at('a'), 'inner'), 'tmpfs', 0);
  const tree = cloneTree(AT.FDCWD, at('a'), true);
  setMountAttributes(tree, { set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOEXEC, propagation: MS.PRIVATE }, true);
  attachTree(tree, AT.FDCWD, at('b'));
  assert.throws(() => fs.writeFileSync(path.join(at('b'), 'inner', 'x'), ''), { code: 'EROFS' });
  assert.deepEqual(mountAt('b')?.tags, []);
  setMountAttributes(tree, { clear: MOUNT_ATTR.RDONLY }, false);
  fs.writeFileSync(path.join(at('b'), 'x'), '');
  assert.ok(mountAt('b')?.options.includes('noexec'));
  assert.throws(() => fs.writeFileSync(path.join(at('b'), 'inner', 'x'), ''), { code: 'EROFS' });
  fs.closeSync(tree);
  assert.throws(() => setMountAttributes(-1, { set: MOUNT_ATTR.RDONLY }, false), { code: 'EBADF' });
});

test('a file system that the kernel has, and one that nobody has', () => {
  assert.deepEqual([hasFilesystem('tmpfs'), hasFilesystem('cribfs')], [true, false]);
});

test('options of more than a page together, a flag, and a wrong one, which leaves no descriptor', () => {
  const lowers = Array.from({ length: 40 }, (_, index) => at(`${'l'.repeat(150)}${index}`));
  for (const lower of lowers) fs.mkdirSync(lower);
  fs.writeFileSync(path.join(lowers[39] ?? '', 'lowest'), '');
  const options = lowers.map((lower) => ['lowerdir+', lower] as const);
  mountByOptions('overlay', at('a'), options, MOUNT_ATTR.NOSUID);
  assert.ok(fs.existsSync(path.join(at('a'), 'lowest')));
  assert.ok(mountAt('a')?.options.includes('nosuid'));
  mountByOptions('tmpfs', at('b'), [['ro', null]]);
  assert.throws(() => fs.writeFileSync(path.join(at('b'), 'x'), ''), { code: 'EROFS' });
  const before = fs.readdirSync('/proc/self/fd').length;
  assert.throws(() => mountByOptions('tmpfs', at('c'), [['size', 'big']]), {
    code: 'EINVAL',
    message: /tmpfs size=big/,
  });
  assert.throws(() => mountByOptions('tmpfs', at('absent'), []), { code: 'ENOENT' });
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});

test('a new file system is nowhere until it is attached, and is unmounted by what was opened, not by its name', async () => {
  const tree = makeTree('tmpfs', [['size', '4096']], MOUNT_ATTR.NOEXEC);
  fs.mkdirSync(`/proc/self/fd/${tree}/inside`);
  assert.deepEqual(mountsBelow(), []);
  attachTree(tree, AT.FDCWD, at('a'));
  fs.closeSync(tree);
  mount('', at('b'), 'tmpfs', 0);
  const opened = openPath(at('a'));
  const inside = openPath(path.join(at('a'), 'inside'));
  await assert.rejects(unmountDescriptor(inside, 'inside'), { code: 'EINVAL', message: /inside/ });
  await unmountDescriptor(opened, 'a');
  fs.closeSync(opened);
  fs.closeSync(inside);
  assert.deepEqual(
    mountsBelow().map(({ mountPoint }) => path.basename(mountPoint)),
    ['b'],
  );
});
