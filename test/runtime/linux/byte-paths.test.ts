import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  getXattrAt,
  listXattrsAt,
  makeNodeAt,
  setTimesAt,
  setTimesOf,
  setXattrAt,
} from '../../../runtime/linux/byte-paths.js';
import { makeDevice } from '../../../runtime/linux/files.js';

let directory = '';
/** A name that is no UTF-8. */
let raw: Buffer;
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-byte-paths-'));
  raw = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x61, 0xfe)]);
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

test('a name that is no UTF-8 is one name for all calls', () => {
  fs.writeFileSync(raw, '');
  setXattrAt(raw, 'user.crib', Buffer.of(0, 1, 0xff, 0));
  setXattrAt(raw, 'user.empty', Buffer.alloc(0));
  assert.deepEqual(getXattrAt(raw, 'user.crib'), Buffer.of(0, 1, 0xff, 0));
  assert.equal(getXattrAt(raw, 'user.empty').length, 0);
  assert.deepEqual(listXattrsAt(raw).sort(), ['user.crib', 'user.empty']);
  setTimesAt(raw, 1_000_000_007, 123_456_789);
  const { atimeNs, mtimeNs } = fs.statSync(raw, { bigint: true });
  assert.equal(mtimeNs, 1_000_000_007_123_456_789n);
  assert.equal(atimeNs, mtimeNs);
});

test('an attribute that is not there is ENODATA, a path that is not there ENOENT, and the error names both', () => {
  fs.writeFileSync(raw, '');
  assert.throws(() => getXattrAt(raw, 'user.absent'), {
    code: 'ENODATA',
    syscall: 'lgetxattr',
    message: /user\.absent/,
  });
  assert.throws(() => setTimesAt(`${directory}/absent`, 0, 0), { code: 'ENOENT', message: /absent/ });
});

test('a symlink has times of its own, and its target keeps those it had', () => {
  const target = path.join(directory, 'target');
  const link = path.join(directory, 'link');
  fs.writeFileSync(target, '');
  fs.symlinkSync(target, link);
  fs.utimesSync(target, 5, 5);
  setTimesAt(link, -3, 0);
  assert.equal(fs.lstatSync(link, { bigint: true }).mtimeNs, -3_000_000_000n);
  assert.equal(fs.statSync(target, { bigint: true }).mtimeNs, 5_000_000_000n);
});

test('the times of an open file, also when its name is gone', () => {
  const file = path.join(directory, 'open');
  const fd = fs.openSync(file, 'w');
  fs.unlinkSync(file);
  setTimesOf(fd, 42, 1);
  assert.equal(fs.fstatSync(fd, { bigint: true }).mtimeNs, 42_000_000_001n);
  fs.closeSync(fd);
  assert.throws(() => setTimesOf(-1, 0, 0), { code: 'EBADF' });
});

test('a device is made with its number, and one that exists is refused', () => {
  const node = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xfd)]);
  makeNodeAt(node, fs.constants.S_IFCHR | 0o600, makeDevice(1, 3));
  const made = fs.lstatSync(node);
  assert.ok(made.isCharacterDevice());
  assert.equal(made.rdev, 0x103);
  assert.throws(() => makeNodeAt(node, fs.constants.S_IFCHR | 0o600, makeDevice(1, 3)), { code: 'EEXIST' });
});
