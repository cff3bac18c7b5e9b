import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { F, FS_MAGIC, O, RESOLVE } from '../../../runtime/linux/constants.js';
import {
  fcntl,
  getXattr,
  listXattrs,
  makeDevice,
  makeNode,
  openat2,
  setTimes,
  setXattr,
  splitDevice,
  statFilesystem,
  syncFilesystem,
  tryLock,
} from '../../../runtime/linux/files.js';

const READ = fs.constants.O_RDONLY;
const NEW = fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_WRONLY;

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-files-'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

function file(name: string, content = ''): string {
  const made = path.join(directory, name);
  fs.writeFileSync(made, content);
  return made;
}

test('a file system is known by its magic, and counted as statvfs counts it', () => {
  assert.equal(statFilesystem('/proc').type, FS_MAGIC.PROC);
  const ours = statFilesystem(directory);
  const node = fs.statfsSync(directory, { bigint: true });
  assert.equal(BigInt(ours.type), node.type);
  assert.equal(BigInt(ours.blockSize), node.bsize);
  assert.equal(ours.blocks, node.blocks);
  assert.equal(ours.files, node.files);
  assert.ok(ours.blocksAvailable <= ours.blocks && ours.filesFree <= ours.files);
  assert.throws(() => statFilesystem(`${directory}/absent`), { code: 'ENOENT', message: /absent/ });
});

test('xattrs are bytes; one that is absent is undefined, a file that is absent an error', () => {
  const marked = file('marked');
  assert.deepEqual(listXattrs(marked), []);
  assert.equal(getXattr(marked, 'user.crib'), undefined);
  const value = Buffer.alloc(1000, 0xfe);
  setXattr(marked, 'user.crib', value);
  assert.deepEqual(getXattr(marked, 'user.crib'), value);
  assert.deepEqual(listXattrs(marked), ['user.crib']);
  assert.throws(() => getXattr(`${marked}-not`, 'user.crib'), { code: 'ENOENT' });
  assert.throws(() => setXattr(marked, 'nonsense', value), { code: 'ENOTSUP' });
});

test('device numbers go there and back, also those of more than 8 bits', () => {
  for (const [major, minor] of [
    [1, 3],
    [8, 0],
    [259, 1],
    [4095, 0xfffff],
    [0xfff, 255],
    [0, 256],
  ] as const) {
    assert.deepEqual(splitDevice(makeDevice(major, minor)), { major, minor });
  }
  assert.equal(makeDevice(1, 3), fs.statSync('/dev/null').rdev);
  assert.deepEqual(splitDevice(fs.statSync('/dev/ptmx', { bigint: true }).rdev), { major: 5, minor: 2 });
});

test('a FIFO and a device are made as asked, less the umask', () => {
  const fifo = path.join(directory, 'fifo');
  makeNode(fifo, fs.constants.S_IFIFO | 0o600);
  assert.ok(fs.lstatSync(fifo).isFIFO());
  assert.equal(fs.lstatSync(fifo).mode & 0o777, 0o600);
  assert.throws(() => makeNode(fifo, fs.constants.S_IFIFO | 0o600), { code: 'EEXIST', syscall: 'mknod' });
});

test('times are kept to the nanosecond, before 1970 too, and of a symlink they are its own', () => {
  const timed = file('timed');
  setTimes(timed, -1n, 1_700_000_000_000_000_001n);
  const { atimeNs, mtimeNs } = fs.statSync(timed, { bigint: true });
  assert.equal(atimeNs, -1n);
  assert.equal(mtimeNs, 1_700_000_000_000_000_001n);
  const link = path.join(directory, 'timed-link');
  fs.symlinkSync(timed, link);
  setTimes(link, 7n, 7n);
  assert.equal(fs.lstatSync(link, { bigint: true }).mtimeNs, 7n);
  assert.equal(fs.statSync(timed, { bigint: true }).mtimeNs, mtimeNs);
});

test('a lock belongs to an open file: a second one does not get it until the first is closed', () => {
  const locked = file('locked');
  const [first, second] = [fs.openSync(locked, 'r'), fs.openSync(locked, 'r')];
  assert.equal(tryLock(first), true);
  assert.equal(tryLock(first), true, 'again is no conflict');
  assert.equal(tryLock(second), false);
  assert.equal(spawnSync('flock', ['--nonblock', locked, 'true']).status, 1, 'another process sees it');
  fs.closeSync(first);
  assert.equal(tryLock(second), true);
  fs.closeSync(second);
  assert.throws(() => tryLock(-1), { code: 'EBADF' });
});

test('flags of a descriptor are read and set', () => {
  const fd = fs.openSync(file('flags'), 'r');
  assert.equal(fcntl(fd, F.GETFD), 1, 'node opens with O_CLOEXEC');
  fcntl(fd, F.SETFD, 0);
  assert.equal(fcntl(fd, F.GETFD), 0);
  syncFilesystem(fd);
  fs.closeSync(fd);
  assert.throws(() => fcntl(fd, F.GETFD), { code: 'EBADF' });
  assert.throws(() => syncFilesystem(fd), { code: 'EBADF' });
});

test('openat2 keeps a lookup below its directory', () => {
  const root = path.join(directory, 'root');
  fs.mkdirSync(path.join(root, 'etc'), { recursive: true });
  fs.writeFileSync(path.join(root, 'etc', 'passwd'), 'of the root');
  fs.symlinkSync('/etc/passwd', path.join(root, 'absolute'));
  fs.symlinkSync('../../../../etc/passwd', path.join(root, 'upwards'));
  const base = fs.openSync(root, O.PATH | O.DIRECTORY);
  try {
    for (const name of ['absolute', 'upwards']) {
      const fd = openat2(base, name, READ, RESOLVE.IN_ROOT);
      assert.equal(fs.readFileSync(fd, 'utf8'), 'of the root');
      fs.closeSync(fd);
      assert.throws(() => openat2(base, name, READ, RESOLVE.BENEATH), { code: 'EXDEV', message: new RegExp(name) });
      assert.throws(() => openat2(base, name, READ, RESOLVE.NO_SYMLINKS), { code: 'ELOOP' });
    }
    const made = openat2(base, 'new', NEW, RESOLVE.IN_ROOT, 0o600);
    assert.equal(fs.fstatSync(made).mode & 0o777, 0o600);
    assert.equal(fcntl(made, F.GETFD), 1);
    fs.closeSync(made);
  } finally {
    fs.closeSync(base);
  }
});
