import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import type { TarEntry } from '../../../../runtime/images/tar/reader.js';
import { OPAQUE } from '../../../../runtime/images/unpack/disk.js';
import { LayerWriter } from '../../../../runtime/images/unpack/layer-writer.js';
import { getXattr } from '../../../../runtime/linux/files.js';
import { jailThisFile } from './jailed.js';

jailThisFile();

const entry = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
  type: 'file',
  path,
  linkPath: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  storedSize: more.size ?? 0,
  mtimeSeconds: 1,
  mtimeNanoseconds: 2,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
  ...more,
});

const write = (...entries: readonly TarEntry[]) => writeWith(new LayerWriter(100), entries);

function writeWith(writer: LayerWriter, entries: readonly TarEntry[]) {
  for (const one of entries) {
    writer.entry(one);
    if (one.size > 0) writer.data(Buffer.alloc(one.size, 'x'));
    writer.end();
  }
  return writer.finish();
}

const refused = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

test('what it took is counted: entries, blocks, inodes, and what waits for the layers below', () => {
  const totals = write(
    entry('d/f', { size: 4097 }),
    entry('e', { type: 'directory' }),
    entry('short', { type: 'symlink', linkPath: 'd' }),
    entry('long', { type: 'symlink', linkPath: 'x'.repeat(60) }),
    entry('to-lower', { type: 'link', linkPath: 'lower/file' }),
  );
  assert.equal(totals.entries, 5);
  assert.equal(totals.usedBytes, (2 + 1 + 3) * 4096, 'a file of two blocks, a long symlink, three directories');
  assert.equal(totals.inodes, 3 + 3);
  assert.deepEqual([...totals.pending.implicit].sort(), ['', 'd']);
  assert.deepEqual(totals.pending.links, [{ path: 'to-lower', target: 'lower/file' }]);
});

test('set-id bits and capabilities survive the owner and the content', () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  write(
    entry('f', { mode: 0o6755, uid: 9, gid: 8, size: 10, xattrs: new Map([['security.capability', capability]]) }),
    entry('d', { type: 'directory', mode: 0o2755, gid: 8 }),
  );
  const file = fs.statSync('/f', { bigint: true });
  assert.deepEqual([file.mode & 0o7777n, file.uid, file.gid, file.mtimeNs], [0o6755n, 9n, 8n, 1_000_000_002n]);
  assert.deepEqual(getXattr('/f', 'security.capability'), capability);
  assert.equal(fs.statSync('/d').mode & 0o7777, 0o2755);
});

test('a later entry replaces an earlier one of another kind, and never what a symlink points to', () => {
  write(
    entry('target', { size: 3 }),
    entry('name', { type: 'symlink', linkPath: 'target' }),
    entry('name', { size: 5 }),
    entry('dir/inner'),
    entry('dir', { type: 'fifo' }),
    entry('link', { type: 'symlink', linkPath: 'target' }),
    entry('link', { type: 'directory' }),
  );
  assert.equal(fs.statSync('/target').size, 3);
  assert.equal(fs.lstatSync('/name').size, 5);
  assert.ok(fs.lstatSync('/dir').isFIFO());
  assert.ok(fs.lstatSync('/link').isDirectory());
});

test('a whiteout hides lower layers only: what this layer has, before or after it, stays', () => {
  const totals = write(
    entry('.wh.gone'),
    entry('own'),
    entry('.wh.own'),
    entry('dir/file'),
    entry('.wh.dir'),
    entry('.wh.later'),
    entry('later/file'),
    entry('opaque/.wh..wh..opq'),
    entry('.wh..wh.plnk'),
  );
  assert.equal(fs.lstatSync('/gone').rdev, 0);
  assert.ok(fs.lstatSync('/gone').isCharacterDevice());
  assert.ok(fs.lstatSync('/own').isFile());
  for (const name of ['dir', 'later', 'opaque']) assert.equal(getXattr(`/${name}`, OPAQUE)?.toString(), 'y', name);
  assert.deepEqual(fs.readdirSync('/').sort(), ['dir', 'gone', 'later', 'opaque', 'own']);
  assert.ok(!totals.pending.implicit.includes('dir'));
});

test('a hard link that a later entry replaces is not pending any more', () => {
  const totals = write(entry('l', { type: 'link', linkPath: 'lower' }), entry('l', { size: 1 }));
  assert.deepEqual(totals.pending.links, []);
  assert.equal(fs.statSync('/l').size, 1);
  const replaced = write(entry('d/l', { type: 'link', linkPath: 'lower' }), entry('d', { size: 1 }));
  assert.deepEqual(replaced.pending.links, [], 'nor is one in a directory that is replaced');
});

test('the last of a file’s names says what it is like; a symlink with two stays one', () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const xattrs = new Map([['security.capability', capability]]);
  write(
    entry('f', { size: 2, uid: 5 }),
    entry('g', { type: 'link', linkPath: 'f', mode: 0o4755, gid: 6, mtimeSeconds: 9, xattrs }),
    entry('t', { mode: 0o600 }),
    entry('s', { type: 'symlink', linkPath: 't' }),
    entry('r', { type: 'link', linkPath: 's', mode: 0o755, uid: 7 }),
  );
  const { mode, uid, gid, mtimeMs, nlink } = fs.statSync('/f');
  assert.deepEqual([mode & 0o7777, uid, gid, Math.floor(mtimeMs), nlink], [0o4755, 0, 6, 9000, 2]);
  assert.deepEqual(getXattr('/f', 'security.capability'), capability);
  assert.deepEqual([fs.lstatSync('/s').uid, fs.readlinkSync('/r')], [7, 't']);
  assert.deepEqual([fs.statSync('/t').mode & 0o7777, fs.statSync('/t').uid], [0o600, 0]);
});

test('a hard link to itself changes nothing', () => {
  write(entry('f', { size: 2 }), entry('f', { type: 'link', linkPath: './f' }));
  assert.deepEqual([fs.statSync('/f').size, fs.statSync('/f').nlink], [2, 1]);
});

test('what contradicts itself or would be taken for a whiteout is refused', () => {
  assert.throws(
    () => write(entry('d', { type: 'directory' }), entry('h', { type: 'link', linkPath: 'd' })),
    refused(/hard link to a directory/),
  );
  assert.throws(() => write(entry('h', { type: 'link', linkPath: '/' })), refused(/no target/));
  assert.throws(() => write(entry('s', { type: 'symlink' })), refused(/"s" has no target/));
  for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh..'])
    assert.throws(() => write(entry(name)), refused(/whiteout of no name/));
  write(entry('b', { type: 'block' }));
});

test('the character device 0:0, as in an archive of an overlay’s directories, is a whiteout', () => {
  write(
    entry('d/x', { size: 1 }),
    entry('d/x', { type: 'char', uid: 5 }),
    entry('d/y', { type: 'char' }),
    entry('d/y'),
  );
  assert.ok(fs.lstatSync('/d/x').isCharacterDevice());
  assert.ok(fs.lstatSync('/d/y').isFile());
});

test('the lowest layer has no whiteouts, for overlayfs would show their names; what came before one is gone', () => {
  const totals = writeWith(new LayerWriter(100, true), [
    entry('d/.wh.gone'),
    entry('d/own'),
    entry('d/before/f'),
    entry('d/.wh.before'),
    entry('link', { type: 'symlink', linkPath: 'd' }),
    entry('.wh.link'),
    entry('link/f'),
    entry('d/x', { size: 1 }),
    entry('d/x', { type: 'char' }),
    entry('e/.wh..wh..opq'),
  ]);
  assert.deepEqual(fs.readdirSync('/d'), ['own']);
  assert.equal(getXattr('/e', OPAQUE), undefined);
  assert.deepEqual(fs.readdirSync('/link'), ['f']);
  assert.deepEqual([...totals.pending.implicit].sort(), ['', 'd', 'e', 'link']);
});

test('the owner and mode of the root directory are its entry’s, but all may read it; what is no directory is passed over', () => {
  write(
    entry('./', { type: 'directory', mode: 0o2700, uid: 7, gid: 8 }),
    entry('', { size: 5 }),
    entry('..', { type: 'symlink', linkPath: '/tmp' }),
    entry('a/../../f'),
  );
  const { mode, uid, gid, mtimeMs } = fs.statSync('/');
  assert.deepEqual([mode & 0o7777, uid, gid, Math.floor(mtimeMs)], [0o2755, 7, 8, 1000]);
  assert.deepEqual(fs.readdirSync('/'), ['f']);
  assert.equal(fs.statSync('/f').gid, 0);
});

test('what lies in a set-group-id directory has its own group, and directories there not its bit', () => {
  write(
    entry('mail', { type: 'directory', mode: 0o2775, gid: 8 }),
    entry('mail/box'),
    entry('mail/sub', { type: 'directory', mode: 0o755 }),
    entry('mail/implicit/box'),
    entry('mail/l', { type: 'symlink', linkPath: 'box' }),
    entry('mail', { type: 'directory', mode: 0o2770, gid: 9 }),
  );
  const facts = (path: string) => [fs.lstatSync(path).mode & 0o7777, fs.lstatSync(path).gid];
  assert.deepEqual(facts('/mail'), [0o2770, 9]);
  for (const path of ['/mail/sub', '/mail/implicit']) assert.deepEqual(facts(path), [0o755, 0], path);
  for (const path of ['/mail/box', '/mail/l', '/mail/implicit/box']) assert.equal(fs.lstatSync(path).gid, 0, path);
});

test('of a sparse file only what is stored takes space, and its size has the holes', () => {
  const writer = new LayerWriter(100);
  writer.entry(entry('s', { size: 10_000_000, storedSize: 6 }));
  writer.hole(5_000_000);
  writer.data(Buffer.from('abcdef'));
  writer.hole(4_999_994);
  writer.end();
  const { usedBytes } = writer.finish();
  assert.equal(usedBytes, 2 * 4096);
  const { size, blocks } = fs.statSync('/s');
  assert.equal(size, 10_000_000);
  assert.ok(blocks <= 16, `${blocks} blocks`);
  assert.equal(fs.readFileSync('/s').subarray(4_999_999, 5_000_007).toString('latin1'), '\0abcdef\0');
});

test('more entries than are allowed is RESOURCE_EXHAUSTED; a name that the disk refuses says which', () => {
  const writer = new LayerWriter(2);
  for (const name of ['a', 'b']) {
    writer.entry(entry(name));
    writer.end();
  }
  assert.throws(() => writer.entry(entry('c')), { code: 'RESOURCE_EXHAUSTED', message: /more than 2 entries/ });
  assert.throws(() => write(entry('x'.repeat(256))), {
    code: 'INVALID_ARGUMENT',
    message: /unpack "xxx.*ENAMETOOLONG/,
  });
});
