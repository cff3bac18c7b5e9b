import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { TarReader } from '../../../../runtime/images/tar/reader.js';
import { file, tar } from '../../../support/tar-writer.js';

/** What is read of an archive that comes in pieces of `size` bytes, by name; holes as zeros. */
function read(archive: Buffer, size = archive.length): Record<string, Buffer> {
  const files: { path: string; size: number; pieces: Buffer[] }[] = [];
  const last = () => files.at(-1) ?? assert.fail('content before an entry');
  const reader = new TarReader({
    entry: (entry) => files.push({ path: entry.path, size: entry.size, pieces: [] }),
    data: (piece) => last().pieces.push(Buffer.from(piece)),
    hole: (bytes) => last().pieces.push(Buffer.alloc(bytes)),
    end: () => assert.equal(Buffer.concat(last().pieces).length, last().size),
  });
  for (let at = 0; at < archive.length; at += size) reader.write(archive.subarray(at, at + size));
  reader.finish();
  return Object.fromEntries(files.map((one) => [one.path, Buffer.concat(one.pieces)]));
}

const bad = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });
const V01 = { 'GNU.sparse.map': '0,4,1000,4', 'GNU.sparse.size': '2000', 'GNU.sparse.name': 'real' };
const V10 = {
  'GNU.sparse.major': '1',
  'GNU.sparse.minor': '0',
  'GNU.sparse.name': 'real',
  'GNU.sparse.realsize': '2000',
};
const REAL = Buffer.alloc(2000);
REAL.write('abcd', 0);
REAL.write('wxyz', 1000);

test('versions 0.1 and 1.0 are read under the file’s own name, and what follows them too', () => {
  const map = Buffer.from('2\n0\n4\n1000\n4\n'.padEnd(512, '\0'));
  for (const [pax, content] of [
    [V01, 'abcdwxyz'],
    [V10, Buffer.concat([map, Buffer.from('abcdwxyz')])],
  ] as const) {
    for (const size of [1, 3, 511, 100_000]) {
      const found = read(tar([file('GNUSparseFile.0/s', content, { pax }), file('after', 'x')]), size);
      assert.deepEqual(Object.keys(found), ['real', 'after']);
      assert.deepEqual(found.real, REAL);
    }
  }
});

test('each version is read as GNU tar writes it', (t) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-sparse-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  const fd = fs.openSync(path.join(root, 'sparse'), 'w');
  for (let run = 0; run < 100; run++) fs.writeSync(fd, Buffer.alloc(4096, 97 + (run % 26)), 0, 4096, run * 65536);
  fs.ftruncateSync(fd, 100 * 65536 + 5);
  fs.closeSync(fd);
  const holes = path.join(root, 'holes');
  fs.writeFileSync(holes, '');
  fs.truncateSync(holes, 300_000);
  for (const version of ['0.0', '0.1', '1.0']) {
    const args = ['-cS', '--format=posix', `--sparse-version=${version}`, '-C', root, 'sparse', 'holes'];
    const archive = execFileSync('tar', args, { maxBuffer: 1 << 26 });
    assert.ok(archive.length < 1_000_000);
    const found = read(archive, 10_000);
    assert.deepEqual(Object.keys(found), ['sparse', 'holes'], version);
    for (const name of ['sparse', 'holes']) {
      assert.ok(found[name]?.equals(fs.readFileSync(path.join(root, name))), `${name}, ${version}`);
    }
  }
});

test('a map that contradicts itself, the size or the bytes is refused', () => {
  const v01 = (change: object, content = 'abcdwxyz') => tar([file('s', content, { pax: { ...V01, ...change } })]);
  for (const map of ['0,4,1000', '4,4,0,4', '0,4,3,4', '0,4,1997,4', '0,4,x,4', '0,-4', ',', '0,4,99999999999999999,4'])
    assert.throws(() => read(v01({ 'GNU.sparse.map': map })), bad(/the map of a sparse file is none/), map);
  assert.throws(() => read(v01({}, 'abcdwxyz!')), bad(/more bytes/));
  assert.throws(() => read(v01({}, 'abcdwxy')), bad(/fewer bytes/));
  assert.throws(() => read(v01({ 'GNU.sparse.size': '-1', 'GNU.sparse.map': '0,0' }, '')), bad(/negative/));
  const v10 = (content: string) => tar([file('s', content, { pax: V10 })]);
  for (const [content, message] of [
    ['2\n0\n4\n', /fewer bytes/],
    ['', /fewer bytes/],
    ['x\n', /none/],
    ['9'.repeat(600), /none/],
    ['1000001\n', /more than 1000000 runs/],
  ] as const) {
    assert.throws(() => read(v10(content)), bad(message), content.slice(0, 10));
  }
});

test('GNU’s own format and versions to come are UNIMPLEMENTED, with what to do', () => {
  assert.throws(() => read(tar([file('s', '', { flag: 'S' })])), { code: 'UNIMPLEMENTED', message: /--format=posix/ });
  const later = { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' };
  assert.throws(() => read(tar([file('s', '', { pax: later })])), { code: 'UNIMPLEMENTED', message: /version 2\.0/ });
});
