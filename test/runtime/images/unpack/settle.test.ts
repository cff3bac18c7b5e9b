import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { OPAQUE } from '../../../../runtime/images/unpack/disk.js';
import { settle, settleRoot } from '../../../../runtime/images/unpack/settle.js';
import { getXattr, makeNode, setXattr } from '../../../../runtime/linux/files.js';
import { jailThisFile } from './jailed.js';

jailThisFile();

/** Layers 2 (the one to settle), 1 and 0; names with a final slash are directories, `->` makes a symlink. */
function layers(...contents: readonly (readonly string[])[]): void {
  for (const [index, names] of contents.entries()) {
    const root = `/${contents.length - 1 - index}`;
    fs.mkdirSync(root);
    for (const name of names) {
      const [path = '', target] = name.split('->');
      fs.mkdirSync(`${root}/${path.replace(/[^/]*$/, '')}`, { recursive: true });
      if (target !== undefined) fs.symlinkSync(target, `${root}/${path}`);
      else if (!path.endsWith('/')) fs.writeFileSync(`${root}/${path}`, root);
    }
  }
}

const run = (implicit: readonly string[], links: readonly [string, string][] = [], maxBytes = 1e9) =>
  settle(
    { layer: '2', lowers: ['1', '0'], maxBytes },
    { implicit, links: links.map(([path, target]) => ({ path, target })) },
  );

const refused = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

test('an implicit directory takes after the topmost layer that has it, but for what is overlayfs’s', () => {
  layers(['d/own'], ['d/'], ['d/', 'e/']);
  fs.chmodSync('/1/d', 0o1770);
  fs.chownSync('/1/d', 4, 5);
  setXattr('/1/d', 'user.k', Buffer.from('v'));
  setXattr('/1/d', OPAQUE, Buffer.from('y'));
  fs.utimesSync('/1/d', 9, 9);
  fs.chmodSync('/0/d', 0o700);
  fs.chmodSync('/1', 0o711);
  assert.deepEqual(run(['', 'd']), { addedBytes: 0, addedInodes: 0 });
  const made = fs.statSync('/2/d');
  assert.deepEqual([made.mode & 0o7777, made.uid, made.gid, made.mtimeMs], [0o1770, 4, 5, 9000]);
  assert.equal(getXattr('/2/d', 'user.k')?.toString(), 'v');
  assert.equal(getXattr('/2/d', OPAQUE), undefined);
  assert.equal(fs.statSync('/2').mode & 0o7777, 0o711);
});

test('what a layer in between has hidden is not there: by a whiteout, by an opaque parent, by a file', () => {
  layers(['a/x', 'b/c/x', 'd/e/x'], ['b/'], ['a/', 'b/c/', 'd/e/']);
  for (const path of ['a', 'b/c', 'd/e']) fs.chmodSync(`/0/${path}`, 0o700);
  makeNode('/1/a', fs.constants.S_IFCHR, 0);
  setXattr('/1/b', OPAQUE, Buffer.from('y'));
  fs.writeFileSync('/1/d', '');
  run(['a', 'b/c', 'd/e']);
  for (const path of ['a', 'b/c', 'd/e']) {
    assert.equal(fs.statSync(`/2/${path}`).mode & 0o7777, 0o755, path);
    assert.equal(fs.statSync(`/2/${path}`).mtimeMs, 0, path);
  }
});

test('a directory over a file of a lower layer is in its place, and takes nothing from it', () => {
  layers(['f/x', 'l/x', 'o/p/x'], ['f', 'l->f', 'o/p'], []);
  fs.chownSync('/1/f', 7, 7);
  setXattr('/2/o', OPAQUE, Buffer.from('y'));
  fs.mkdirSync('/2/f/g');
  assert.deepEqual(run(['', 'f', 'f/g', 'l', 'o', 'o/p']), { addedBytes: 0, addedInodes: 0 });
  for (const path of ['f', 'f/g', 'l', 'o/p']) {
    const { mode, uid, mtimeMs } = fs.lstatSync(`/2/${path}`);
    assert.deepEqual([mode, uid, mtimeMs], [0o40755, 0, 0], path);
  }
});

test('a directory over a symlink of a lower layer hides it, and takes after the directory that it leads to in the image', () => {
  layers(
    ['lib/sub/x', 'run/y', 'rel/z'],
    ['lib->/usr/lib', 'rel->../usr/./lib'],
    ['usr/lib/sub/', 'run->../../var/run', 'var/run/'],
  );
  fs.chmodSync('/0/usr/lib', 0o711);
  fs.chmodSync('/0/usr/lib/sub', 0o1777);
  fs.chownSync('/0/var/run', 3, 4);
  assert.deepEqual(run(['', 'lib', 'lib/sub', 'run', 'rel']), { addedBytes: 0, addedInodes: 0 });
  assert.equal(fs.readFileSync('/2/lib/sub/x', 'utf8'), '/2');
  assert.ok(!fs.existsSync('/2/usr') && !fs.existsSync('/2/var'), 'nothing goes anywhere else');
  const modes = ['lib', 'lib/sub', 'rel'].map((path) => fs.statSync(`/2/${path}`).mode & 0o7777);
  assert.deepEqual(modes, [0o711, 0o1777, 0o711]);
  assert.equal(fs.statSync('/2/run').uid, 3);
});

test('symlinks of lower layers that go round, or lead to nothing, are no directory to take after', () => {
  layers(['a/x', 'c/x'], ['a->b', 'b->a', 'c->/nowhere/x'], []);
  run(['', 'a', 'c']);
  for (const path of ['a', 'c']) assert.equal(fs.lstatSync(`/2/${path}`).mode, 0o40755, path);
});

test('a hard link is made also where its target lies behind a symlink of a lower layer, but not behind a loop', () => {
  layers(['lib/x', 'new/'], ['lib->/usr/lib', 'a->b', 'b->a'], ['usr/lib/tool']);
  run(['', 'lib'], [['new/tool', 'lib/tool']]);
  assert.equal(fs.statSync('/2/new/tool').ino, fs.statSync('/2/usr/lib/tool').ino);
  assert.throws(() => run([], [['new/l', 'a/tool']]), refused(/loop of symlinks/));
});

test('a hard link into a lower layer is one file with its copy there, whatever kind it is', () => {
  layers(['bin/', 'new/'], ['bin/tool', 'bin/link->tool'], []);
  fs.chmodSync('/1/bin/tool', 0o4750);
  fs.utimesSync('/2/new', 5, 5);
  const report = run(
    [],
    [
      ['new/tool', 'bin/tool'],
      ['new/again', 'new/tool'],
      ['new/link', 'bin/link'],
    ],
  );
  const inodes = ['bin/tool', 'new/tool', 'new/again'].map((name) => fs.statSync(`/2/${name}`).ino);
  assert.equal(new Set(inodes).size, 1);
  assert.equal(fs.statSync('/2/new/tool').mode & 0o7777, 0o4750);
  assert.equal(fs.readlinkSync('/2/new/link'), 'tool');
  assert.equal(fs.statSync('/2/new').mtimeMs, 5000, 'its directory keeps its time');
  assert.deepEqual(report, { addedBytes: 2 * 4096, addedInodes: 2 });
});

test('a hard link to nothing or to a directory is refused, and to more than the limit is RESOURCE_EXHAUSTED', () => {
  layers(['x/'], ['big', 'dir/'], []);
  fs.truncateSync('/1/big', 10_000);
  assert.throws(() => run([], [['x/l', 'absent']]), refused(/"absent", which no layer has/));
  assert.throws(() => run([], [['x/l', 'dir']]), refused(/hard link to a directory/));
  assert.throws(() => run([], [['x/l', 'big']], 8192), { code: 'RESOURCE_EXHAUSTED', message: /8192 bytes/ });
});

test('the root of a layer alone takes after the layer below, or is 0755 at the epoch', () => {
  fs.mkdirSync('/lower', 0o711);
  fs.mkdirSync('/upper', 0o700);
  fs.chownSync('/lower', 3, 4);
  settleRoot('/upper', '/lower');
  const { mode, uid, gid, mtimeMs } = fs.statSync('/upper');
  assert.deepEqual([mode & 0o7777, uid, gid, mtimeMs], [0o711, 3, 4, fs.statSync('/lower').mtimeMs]);
  settleRoot('/upper', undefined);
  assert.deepEqual([fs.statSync('/upper').mode & 0o7777, fs.statSync('/upper').mtimeMs], [0o755, 0]);
});
