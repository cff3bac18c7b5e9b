import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import {
  isWhiteout,
  makeOpaque,
  makeWhiteout,
  OPAQUE,
  statOf,
  tryXattr,
} from '../../../../runtime/images/unpack/disk.js';
import { getXattr, makeDevice, makeNode } from '../../../../runtime/linux/files.js';
import { jailThisFile } from './jailed.js';

jailThisFile();

test('nothing there is undefined, also below a file; a symlink is itself', () => {
  fs.writeFileSync('/file', '');
  fs.symlinkSync('/absent', '/link');
  assert.equal(statOf('/absent'), undefined);
  assert.equal(statOf('/file/below'), undefined);
  assert.equal(statOf('/link')?.isSymbolicLink(), true);
  assert.throws(() => statOf(`/${'x'.repeat(300)}`), { code: 'ENAMETOOLONG' });
});

test('a whiteout is a character device 0:0 and no other', () => {
  makeWhiteout('/gone');
  makeNode('/null', fs.constants.S_IFCHR | 0o666, makeDevice(1, 3));
  makeNode('/block', fs.constants.S_IFBLK, 0);
  fs.writeFileSync('/file', '');
  const found = ['gone', 'null', 'block', 'file'].filter((name) => isWhiteout(fs.lstatSync(`/${name}`)));
  assert.deepEqual(found, ['gone']);
  assert.throws(() => makeWhiteout('/gone'), { code: 'EEXIST' });
});

test('opaque is the attribute that overlayfs reads', () => {
  fs.mkdirSync('/d');
  makeOpaque('/d');
  makeOpaque('/d');
  assert.equal(OPAQUE, 'trusted.overlay.opaque');
  assert.equal(getXattr('/d', OPAQUE)?.toString(), 'y');
});

test('an attribute that the file cannot have is told by false, any other failure is one', () => {
  fs.writeFileSync('/file', '');
  fs.symlinkSync('/file', '/link');
  assert.equal(tryXattr('/file', 'user.a', Buffer.of(0, 255)), true);
  assert.deepEqual(getXattr('/file', 'user.a'), Buffer.of(0, 255));
  assert.equal(tryXattr('/link', 'user.a', Buffer.of(1)), false);
  assert.equal(tryXattr('/file', 'nonsense.a', Buffer.of(1)), false);
  assert.throws(() => tryXattr('/absent', 'user.a', Buffer.of(1)), { code: 'ENOENT' });
});
