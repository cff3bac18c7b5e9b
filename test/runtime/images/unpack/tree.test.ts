import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { OPAQUE } from '../../../../runtime/images/unpack/disk.js';
import { isTaken, Tree } from '../../../../runtime/images/unpack/tree.js';
import { getXattr, makeNode } from '../../../../runtime/linux/files.js';
import { jailThisFile } from './jailed.js';

jailThisFile();

test('missing parents are made, each implicit until its own entry comes; lookup makes nothing', () => {
  const tree = new Tree();
  assert.equal(tree.lookup('a/b'), undefined);
  assert.deepEqual(fs.readdirSync('/'), []);
  assert.equal(tree.ensure('a/b/c'), 'a/b/c');
  assert.equal(fs.statSync('/a/b/c').mode & 0o7777, 0o755);
  assert.equal(tree.lookup('a/b'), 'a/b');
  tree.record('a/b', 7, 8);
  assert.equal(tree.size, 4);
  assert.deepEqual(tree.finish().sort(), ['', 'a', 'a/b/c']);
  assert.equal(fs.statSync('/a/b', { bigint: true }).mtimeNs, 7_000_000_008n);
  for (const path of ['/a', '/a/b/c']) assert.equal(fs.statSync(path).mtimeMs, 0, path);
});

test('an implicit directory does not take the set-group-id bit of its parent', () => {
  fs.mkdirSync('/shared');
  fs.chmodSync('/shared', 0o2775);
  const tree = new Tree();
  tree.record('shared', 1, 0);
  tree.ensure('shared/inner');
  tree.finish();
  assert.equal(fs.statSync('/shared/inner').mode & 0o7777, 0o755);
});

test('a symlink inside the layer is looked through, by climbing too', () => {
  const tree = new Tree();
  fs.mkdirSync('/usr/lib', { recursive: true });
  fs.symlinkSync('usr/lib', '/lib');
  fs.symlinkSync('../lib/./', '/usr/up');
  fs.symlinkSync('usr/new/deep', '/fresh');
  assert.equal(tree.ensure('lib/x'), 'usr/lib/x');
  assert.equal(tree.ensure('usr/up/y'), 'usr/lib/y');
  assert.equal(tree.lookup('fresh'), undefined);
  assert.equal(tree.ensure('fresh'), 'usr/new/deep');
  assert.ok(fs.statSync('/usr/new/deep').isDirectory());
});

test('a symlink that leads out leads to the same inside, as in a container: from the root, and never above it', () => {
  const tree = new Tree();
  fs.mkdirSync('/d/e', { recursive: true });
  for (const [link, target, real] of [
    ['absolute', '/d', 'd/x'],
    ['climbing', '../../d', 'd/x'],
    ['d/twice', '../../../d/e/', 'd/e/x'],
    ['through', 'd/../../..//new', 'new/x'],
    ['root', '/', 'x'],
    ['above', '../..', 'x'],
    ['by', 'absolute/../climbing/e', 'd/e/x'],
    ['up', 'd/twice/..', 'd/x'],
  ] as const) {
    fs.symlinkSync(target, `/${link}`);
    assert.equal(tree.ensure(`${link}/x`), real, link);
    assert.equal(tree.lookup(`${link}/x`), real, link);
  }
});

test('forty links in one path are followed and not more, however they are nested', () => {
  const tree = new Tree();
  fs.mkdirSync('/d/d', { recursive: true });
  fs.symlinkSync('d', '/one');
  fs.symlinkSync('one/../one/../one/../one', '/five');
  const many = (count: number) => Array(count).fill('five/..').join('/');
  fs.symlinkSync(many(7), '/thirty-six');
  fs.symlinkSync(many(8), '/forty-one');
  assert.equal(tree.ensure('thirty-six/d'), 'd');
  assert.throws(() => tree.ensure('forty-one/d'), { code: 'INVALID_ARGUMENT', message: /more than 40 symlinks/ });
});

test('links that go round are given up after forty', () => {
  const tree = new Tree();
  fs.symlinkSync('b', '/a');
  fs.symlinkSync('a', '/b');
  assert.throws(() => tree.ensure('a/x'), { code: 'INVALID_ARGUMENT', message: /more than 40 symlinks/ });
  assert.throws(() => tree.lookup('a/x'), { code: 'INVALID_ARGUMENT', message: /more than 40 symlinks/ });
  for (let i = 0; i < 40; i++) fs.symlinkSync(`l${i + 1}`, `/l${i}`);
  fs.mkdirSync('/l40');
  assert.equal(tree.ensure('l0'), 'l40', 'exactly forty are followed');
});

test('no name grows longer than can be made, and removed, on the host', () => {
  const tree = new Tree();
  const long = Array(10).fill('d'.repeat(199)).join('/');
  fs.mkdirSync(`/${long}`, { recursive: true });
  fs.symlinkSync(long, '/l');
  assert.equal(tree.ensure(`l/${long}`).length, 3999);
  for (const path of [`l/${long}/dd`, `l/${long}/${long}`]) {
    assert.throws(() => tree.ensure(path), { code: 'INVALID_ARGUMENT', message: /over the limit of 4000/ });
  }
  assert.equal(fs.readdirSync(`/${long}/${long}`).length, 0);
});

test('a file where a directory is needed contradicts; a whiteout becomes an opaque directory', () => {
  const tree = new Tree();
  fs.writeFileSync('/file', '');
  makeNode('/gone', fs.constants.S_IFCHR, 0);
  assert.equal(tree.lookup('file/x'), undefined);
  assert.equal(tree.lookup('gone/x'), undefined);
  assert.throws(() => tree.ensure('file/x'), { code: 'INVALID_ARGUMENT', message: /"file", which is not a directory/ });
  assert.equal(tree.ensure('gone'), 'gone');
  assert.equal(getXattr('/gone', OPAQUE)?.toString(), 'y');
  assert.deepEqual(tree.finish(), [''], 'it takes nothing from the layers below');
  assert.equal(fs.statSync('/gone').mtimeMs, 0);
});

test('what is cleared is gone with all that was known of it, and a link’s way is looked for anew', () => {
  const tree = new Tree();
  tree.ensure('d/e/f');
  tree.ensure('dd');
  assert.equal(tree.clear('absent'), undefined);
  assert.equal(tree.clear('d')?.isDirectory(), true);
  assert.ok(!fs.existsSync('/d'));
  assert.equal(tree.lookup('d/e'), undefined);
  assert.deepEqual(tree.finish().sort(), ['', 'dd']);
  fs.symlinkSync('dd', '/link');
  assert.equal(tree.ensure('link'), 'dd');
  assert.equal(tree.clear('link')?.isSymbolicLink(), true);
  assert.ok(fs.existsSync('/dd'), 'the link goes, not what it points to');
  assert.equal(tree.ensure('link'), 'link');
});

test('a directory that was replaced by something else gets no time', () => {
  const tree = new Tree();
  tree.ensure('d');
  tree.record('d', 1, 0);
  fs.rmdirSync('/d');
  tree.forget('d');
  assert.deepEqual(tree.finish(), ['']);
});

test('taken is EEXIST and nothing else', () => {
  fs.mkdirSync('/d');
  const failure = (make: () => void) => {
    try {
      make();
      return undefined;
    } catch (error) {
      return error;
    }
  };
  assert.equal(isTaken(failure(() => fs.mkdirSync('/d'))), true);
  assert.equal(isTaken(failure(() => fs.mkdirSync('/absent/d'))), false);
  assert.equal(isTaken(undefined), false);
});
