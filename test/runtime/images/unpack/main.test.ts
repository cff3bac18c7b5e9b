import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import zlib from 'node:zlib';
import type { CribError, ErrorCode } from '../../../../runtime/errors.js';
import { MS } from '../../../../runtime/linux/constants.js';
import { getXattr, splitDevice } from '../../../../runtime/linux/files.js';
import { mount, unmount } from '../../../../runtime/linux/mounts.js';
import { type LayerSource, MemoryRegistry, makeImage } from '../../../support/images/memory-registry.js';
import { openStore, temporaryDirectory } from '../../../support/images/temporary-store.js';
import { directory, file, hardlink, paxBody, symlink, type TarItem, tar } from '../../../support/tar-writer.js';

/** Pulls an image of these layers; the directories of the layers, lowest first. */
async function unpack(t: TestContext, layers: readonly LayerSource[], limits = {}): Promise<string[]> {
  const root = await temporaryDirectory(t);
  const registry = new MemoryRegistry();
  registry.add('t', makeImage(layers));
  const store = await openStore(t, root, registry, { limits });
  const image = await store.pull('example.com/x:t', {});
  return store.layerPaths(image.chain);
}

const layer = (...items: TarItem[]): LayerSource => ({ raw: tar(items) });

async function unpackOne(t: TestContext, ...items: TarItem[]): Promise<string> {
  const [only] = await unpack(t, [layer(...items)]);
  return only ?? '';
}

/** Mounts the layers as overlayfs would for a container. */
async function overlay(t: TestContext, layers: readonly string[]): Promise<string> {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-overlay-'));
  const target = path.join(base, 'merged');
  t.after(() => {
    unmount(target);
    fs.rmSync(base, { recursive: true });
  });
  for (const name of ['merged', 'empty']) fs.mkdirSync(path.join(base, name));
  mount(
    'overlay',
    target,
    'overlay',
    MS.RDONLY,
    `lowerdir=${[...layers].reverse().join(':')}:${path.join(base, 'empty')}`,
  );
  return target;
}

test('owners, modes, times, links and nodes are those of the archive', async (t) => {
  const root = await unpackOne(
    t,
    directory('./', { mode: 0o700 }),
    directory('d', { mode: 0o1777, uid: 5, gid: 6, mtime: 1000 }),
    file('d/suid', 'x', { mode: 0o4755, uid: 7, gid: 8, pax: { mtime: '1234567890.123456789' } }),
    file('/abs', 'absolute'),
    symlink('d/s', '../abs'),
    hardlink('d/h', 'abs'),
    { name: 'null', flag: '3', device: [1, 3], mode: 0o666 },
    { name: 'loop', flag: '4', device: [7, 300], mode: 0o660, uid: 1 },
    { name: 'pipe', flag: '6', mode: 0o600 },
    file('n'.repeat(120), 'long'),
    file('big', '', { uid: 3_000_000, mtime: -5 }),
  );
  const stat = (name: string) => fs.lstatSync(path.join(root, name), { bigint: true });
  const suid = stat('d/suid');
  assert.equal(fs.statSync(root).mode & 0o7777, 0o755);
  assert.deepEqual([suid.mode & 0o7777n, suid.uid, suid.gid], [0o4755n, 7n, 8n]);
  assert.equal(suid.mtimeNs, 1234567890123456789n);
  assert.deepEqual([stat('d').mode & 0o7777n, stat('d').uid, stat('d').mtimeNs], [0o1777n, 5n, 1_000_000_000_000n]);
  assert.equal(fs.readlinkSync(path.join(root, 'd/s')), '../abs');
  assert.equal(stat('d/h').ino, stat('abs').ino);
  assert.deepEqual(splitDevice(stat('null').rdev), { major: 1, minor: 3 });
  assert.deepEqual(splitDevice(stat('loop').rdev), { major: 7, minor: 300 });
  assert.ok(stat('pipe').isFIFO());
  assert.equal(fs.readFileSync(path.join(root, 'n'.repeat(120)), 'utf8'), 'long');
  assert.deepEqual([stat('big').uid, stat('big').mtimeNs], [3_000_000n, -5_000_000_000n]);
});

test('extended attributes are bytes: security.capability survives', async (t) => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const binary = Buffer.from([0xff, 0x00, 0x0a, 0x80, 0x3d]);
  const root = await unpackOne(
    t,
    file('ping', 'p', {
      mode: 0o755,
      uid: 1,
      pax: { 'SCHILY.xattr.security.capability': capability, 'SCHILY.xattr.user.b': binary },
    }),
  );
  assert.deepEqual(getXattr(path.join(root, 'ping'), 'security.capability'), capability);
  assert.deepEqual(getXattr(path.join(root, 'ping'), 'user.b'), binary);
});

test('names that are not UTF-8 keep their bytes', async (t) => {
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  const root = await unpackOne(t, { name, content: 'x' }, { name: 'y', pax: { path: Buffer.from([0x67, 0xfc]) } });
  const names = fs
    .readdirSync(root, { encoding: 'buffer' })
    .map((entry) => entry.toString('hex'))
    .sort();
  assert.deepEqual(names, ['66fffe', '67fc']);
});

test('whiteouts and opaque directories hide what is below, in a real overlay mount', async (t) => {
  const layers = await unpack(t, [
    layer(
      directory('a'),
      file('a/one', '1'),
      file('a/two', '2'),
      directory('b'),
      file('b/old', 'o'),
      directory('c'),
      file('c/old', 'o'),
    ),
    layer(
      file('a/.wh.one'),
      file('b/.wh..wh..opq'),
      file('b/new', 'n'),
      file('.wh.c'),
      file('c/new', 'n'),
      file('a/.wh.three'),
      file('a/three'),
    ),
  ]);
  const root = await overlay(t, layers);
  assert.deepEqual(fs.readdirSync(path.join(root, 'a')).sort(), ['three', 'two']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'b')), ['new']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'c')), ['new']);
});

test('a whiteout does not hide what its own layer has', async (t) => {
  const layers = await unpack(t, [
    layer(directory('d'), file('d/old', 'o'), file('f', 'old')),
    layer(file('d/own', 'x'), file('.wh.d'), file('f', 'new'), file('.wh.f')),
  ]);
  const root = await overlay(t, layers);
  assert.deepEqual(fs.readdirSync(path.join(root, 'd')), ['own']);
  assert.equal(fs.readFileSync(path.join(root, 'f'), 'utf8'), 'new');
});

test('a directory without an entry takes after the lower layer', async (t) => {
  const lower = layer(
    directory('./', { mode: 0o1755, mtime: 5 }),
    directory('home', { mode: 0o711, uid: 9, gid: 10, mtime: 77, pax: { 'SCHILY.xattr.user.k': 'v' } }),
  );
  const layers = await unpack(t, [lower, layer(file('home/x', 'x')), layer(file('home/y', 'y'), file('fresh/z', 'z'))]);
  const root = await overlay(t, layers);
  const home = fs.statSync(path.join(root, 'home'));
  assert.deepEqual([home.mode & 0o7777, home.uid, home.gid, home.mtimeMs], [0o711, 9, 10, 77_000]);
  assert.equal(getXattr(path.join(layers[2] ?? '', 'home'), 'user.k')?.toString(), 'v');
  assert.equal(fs.statSync(root).mode & 0o7777, 0o1755);
  const fresh = fs.statSync(path.join(root, 'fresh'));
  assert.deepEqual([fresh.mode & 0o7777, fresh.uid, fresh.mtimeMs], [0o755, 0, 0]);
});

test('a hard link to a file of a lower layer is copied up', async (t) => {
  const layers = await unpack(t, [
    layer(directory('bin', { mtime: 50 }), file('bin/tool', 'tool', { mode: 0o4755, uid: 3, mtime: 9 })),
    layer(directory('usr', { mtime: 60 }), hardlink('usr/tool', 'bin/tool'), hardlink('usr/tool2', 'usr/tool')),
  ]);
  const root = await overlay(t, layers);
  const stats = ['bin/tool', 'usr/tool', 'usr/tool2'].map((name) => fs.statSync(path.join(root, name)));
  assert.equal(new Set(stats.map((stat) => stat.ino)).size, 1);
  assert.deepEqual([stats[0]?.mode, stats[0]?.uid, stats[0]?.nlink, stats[0]?.mtimeMs], [0o104755, 3, 3, 9000]);
  assert.equal(fs.statSync(path.join(root, 'bin')).mtimeMs, 50_000);
  assert.equal(fs.statSync(path.join(root, 'usr')).mtimeMs, 60_000);
});

test('an entry under a symlink of its own layer goes where that leads inside the layer', async (t) => {
  const root = await unpackOne(
    t,
    directory('usr/lib', { mode: 0o711 }),
    symlink('lib', '/usr/lib'),
    symlink('var/run', '../../run'),
    symlink('out', '/proc/self'),
    file('lib/a', 'a'),
    hardlink('lib/b', 'lib/../lib/a'),
    file('var/run/lock/x', 'x'),
    file('out/OUT', 'x'),
    file('lib/c', 'first'),
    file('usr/lib/c', 'second'),
    file('../../up', 'x'),
  );
  assert.deepEqual(fs.readdirSync(root).sort(), ['lib', 'out', 'proc', 'run', 'up', 'usr', 'var']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'usr/lib')).sort(), ['a', 'b', 'c']);
  assert.equal(fs.statSync(path.join(root, 'usr/lib/a')).nlink, 2);
  assert.equal(fs.readFileSync(path.join(root, 'usr/lib/c'), 'utf8'), 'second');
  assert.ok(fs.existsSync(path.join(root, 'run/lock/x')));
});

test('an entry under a symlink of a lower layer is in a directory that hides it, as in containerd', async (t) => {
  const layers = await unpack(t, [
    layer(
      directory('usr/lib', { mode: 0o711 }),
      file('usr/lib/a', 'a'),
      symlink('lib', '/usr/lib'),
      symlink('run', 'usr'),
      file('f'),
    ),
    layer(
      file('lib/b', 'b'),
      directory('run', { mode: 0o700 }),
      file('run/x', 'x'),
      file('f/x', 'x'),
      hardlink('lib/c', 'lib/b'),
    ),
  ]);
  const root = await overlay(t, layers);
  assert.deepEqual(fs.readdirSync(path.join(root, 'lib')), ['b', 'c']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'usr/lib')), ['a']);
  const modes = ['lib', 'run', 'f'].map((name) => fs.lstatSync(path.join(root, name)).mode);
  assert.deepEqual(modes, [0o40711, 0o40700, 0o40755]);
});

test('whiteouts in the lowest layer leave nothing behind', async (t) => {
  const layers = await unpack(t, [layer(file('d/.wh.gone'), file('d/x'), file('.wh.top')), layer(file('y'))]);
  const root = await overlay(t, layers);
  assert.deepEqual(fs.readdirSync(root).sort(), ['d', 'y']);
  assert.deepEqual(fs.readdirSync(path.join(root, 'd')), ['x']);
});

test('the later of two entries of one name wins', async (t) => {
  const root = await unpackOne(
    t,
    file('a', 'first'),
    file('a', 'second'),
    directory('d'),
    file('d/x/y'),
    file('d', 'file now'),
    file('e'),
    directory('e', { mode: 0o700 }),
    symlink('s', 'a'),
    file('s', 'own'),
  );
  assert.equal(fs.readFileSync(path.join(root, 'a'), 'utf8'), 'second');
  assert.equal(fs.readFileSync(path.join(root, 'd'), 'utf8'), 'file now');
  assert.equal(fs.statSync(path.join(root, 'e')).mode & 0o7777, 0o700);
  assert.equal(fs.readFileSync(path.join(root, 's'), 'utf8'), 'own');
});

test('gzip in several members, zstd, and plain tar are told by their bytes', async (t) => {
  const raws = ['a', 'b', 'c'].map((name) => tar([file(name, name.repeat(100_000))]));
  const [gzip = Buffer.alloc(0), zstd = Buffer.alloc(0), plain = Buffer.alloc(0)] = raws;
  const members = Buffer.concat([zlib.gzipSync(gzip.subarray(0, 1000)), zlib.gzipSync(gzip.subarray(1000))]);
  const layers = await unpack(t, [
    { raw: gzip, blob: members },
    {
      raw: zstd,
      blob: execFileSync('zstd', ['-cq'], { input: zstd }),
      mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
    },
    { raw: plain, blob: plain, mediaType: 'application/vnd.oci.image.layer.v1.tar' },
  ]);
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    assert.equal(fs.statSync(path.join(layers[index] ?? '', name)).size, 100_000);
  }
});

/** A gzip member with an extra field, of `length` bytes in all where that is given (RFC 1952). */
function memberWithExtra(content: Buffer, length?: number): Buffer {
  const plain = zlib.gzipSync(content, { level: 0 });
  const extra = Buffer.alloc(length === undefined ? 26 : length - plain.length - 2, 'SG');
  const size = Buffer.alloc(2);
  size.writeUInt16LE(extra.length);
  return Buffer.concat([plain.subarray(0, 3), Buffer.of(4), plain.subarray(4, 10), size, extra, plain.subarray(10)]);
}

test('eStargz and zstd:chunked: a member a file wherever pieces end, a footer in an extra field, skippable frames', async (t) => {
  const files = ['a', 'b', 'c', 'd'].map((name) => file(name, randomBytes(name === 'a' ? 1_030_000 : 70_000)));
  const tars = files.map((item, index) => tar([item], index === files.length - 1));
  const [first = Buffer.alloc(0), ...others] = tars;
  const raw = Buffer.concat(tars);
  const stargz = Buffer.concat([
    memberWithExtra(first, 1 << 20),
    ...others.flatMap((part) => [zlib.gzipSync(part.subarray(0, 512)), zlib.gzipSync(part.subarray(512))]),
    memberWithExtra(Buffer.alloc(0)),
  ]);
  const frame = (content: Buffer) => execFileSync('zstd', ['-cq'], { input: content, maxBuffer: 1 << 24 });
  const skippable = Buffer.concat([Buffer.of(0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0), Buffer.alloc(9, 'x')]);
  const chunked = Buffer.concat([skippable, ...tars.map(frame), skippable, skippable]);
  for (const blob of [stargz, chunked]) {
    const [root = ''] = await unpack(t, [{ raw, blob }]);
    for (const item of files) {
      assert.ok(fs.readFileSync(path.join(root, String(item.name))).equals(item.content as Buffer), String(item.name));
    }
  }
});

const HOSTILE: readonly [name: string, code: ErrorCode, message: RegExp, items: readonly TarItem[]][] = [
  ['a symlink to itself', 'INVALID_ARGUMENT', /symlinks lead/, [symlink('a', 'a'), file('a/OUT')]],
  ['a hard link out of the tree', 'INVALID_ARGUMENT', /no layer has/, [hardlink('a', '../../etc/passwd')]],
  [
    'a hard link through a symlink',
    'INVALID_ARGUMENT',
    /no layer has/,
    [symlink('e', '/etc'), hardlink('a', 'e/passwd')],
  ],
  ['a hard link to what no layer has', 'INVALID_ARGUMENT', /no layer has/, [hardlink('a', '/etc/passwd')]],
  ['a hard link to a directory', 'INVALID_ARGUMENT', /directory/, [directory('d'), hardlink('a', 'd')]],
  ['an entry under a file', 'INVALID_ARGUMENT', /not a directory/, [file('f'), file('f/OUT')]],
  ['a whiteout of ..', 'INVALID_ARGUMENT', /whiteout/, [file('.wh...')]],
  ['a symlink to a file', 'INVALID_ARGUMENT', /not a directory/, [file('f'), symlink('l', '/f'), file('l/OUT')]],
  ['a sparse file of GNU’s own', 'UNIMPLEMENTED', /sparse/, [file('s', '', { flag: 'S' })]],
  ['an unknown type', 'UNIMPLEMENTED', /type "M"/, [file('s', '', { flag: 'M' })]],
  ['a name of 5000 bytes', 'INVALID_ARGUMENT', /limit of 4095/, [file('', '', { pax: { path: 'x'.repeat(5000) } })]],
  [
    'a path of 4081 bytes',
    'INVALID_ARGUMENT',
    /limit of 4000/,
    [file('', '', { pax: { path: `${'x/'.repeat(2040)}f` } })],
  ],
  ['a component of 300 bytes', 'INVALID_ARGUMENT', /ENAMETOOLONG/, [file('', '', { pax: { path: 'x'.repeat(300) } })]],
  ['a NUL in a name', 'INVALID_ARGUMENT', /NUL/, [file('', '', { pax: { path: 'a\0b' } })]],
  ['a size beyond the end', 'INVALID_ARGUMENT', /in the middle/, [file('a', 'x', { size: 1e12 })]],
  ['a negative size', 'INVALID_ARGUMENT', /negative/, [file('a', '', { size: -512 })]],
  ['too many entries', 'RESOURCE_EXHAUSTED', /60 entries/, Array.from({ length: 61 }, (_, i) => file(`f${i}`))],
  ['a decompression bomb', 'RESOURCE_EXHAUSTED', /larger than 5000000 bytes/, [file('zeros', Buffer.alloc(6_000_000))]],
];

for (const [name, code, message, items] of HOSTILE) {
  test(`refused: ${name}`, async (t) => {
    const root = await temporaryDirectory(t);
    const before = fs.readdirSync('/tmp').filter((entry) => entry === 'OUT');
    const registry = new MemoryRegistry();
    registry.add('t', makeImage([layer(...items)]));
    const store = await openStore(t, root, registry, { limits: { maxLayerEntries: 60, maxLayerBytes: 5_000_000 } });
    await assert.rejects(store.pull('example.com/x:t', {}), (error: CribError) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(fs.readdirSync(path.join(root, 'layers')), []);
    assert.deepEqual(store.list(), []);
    assert.deepEqual(
      fs.readdirSync('/tmp').filter((entry) => entry === 'OUT'),
      before,
    );
    assert.ok(!fs.existsSync('/tmp/OUT') && !fs.existsSync(path.join(root, 'OUT')));
  });
}

test('a truncated gzip stream and a corrupt zstd one are data loss', async (t) => {
  const raw = tar([file('a', Buffer.alloc(300_000, 'abc'))]);
  const gzip = zlib.gzipSync(raw);
  await assert.rejects(unpack(t, [{ raw, blob: gzip.subarray(0, -20) }]), { code: 'DATA_LOSS' });
  const zstd = execFileSync('zstd', ['-cq'], { input: raw });
  await assert.rejects(unpack(t, [{ raw, blob: zstd.subarray(0, -9) }]), {
    code: 'DATA_LOSS',
    message: /decompress a layer/,
  });
});

test('global PAX headers hold for the entries after them', async (t) => {
  const raw = Buffer.concat([
    tar([
      { name: 'g', flag: 'g', content: paxBody({ mtime: '42', comment: 'x' }) },
      file('a'),
      file('b', '', { pax: { mtime: '43' } }),
    ]),
  ]);
  const [root = ''] = await unpack(t, [{ raw }]);
  assert.equal(fs.statSync(path.join(root, 'a')).mtimeMs, 42_000);
  assert.equal(fs.statSync(path.join(root, 'b')).mtimeMs, 43_000);
});
