import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CribError } from '../../../../runtime/errors.js';
import { type TarEntry, TarReader } from '../../../../runtime/images/tar/reader.js';
import { file, hardlink, type TarItem, tar, withChecksum } from '../../../support/tar-writer.js';

const CASES = Number(process.env.CRIB_FUZZ_CASES ?? 1000);

interface Read {
  readonly entry: TarEntry;
  readonly content: string;
}

/** Feeds `archive` in pieces of these sizes, over and over. */
function read(archive: Buffer, sizes: readonly number[] = [archive.length || 1]): Read[] {
  const entries: { entry: TarEntry; pieces: Buffer[]; ended: boolean }[] = [];
  const reader = new TarReader({
    entry: (entry) => entries.push({ entry, pieces: [], ended: false }),
    data: (piece) => entries.at(-1)?.pieces.push(Buffer.from(piece)),
    hole: (bytes) => entries.at(-1)?.pieces.push(Buffer.alloc(bytes, '.')),
    end: () => {
      const last = entries.at(-1);
      if (last !== undefined) last.ended = true;
    },
  });
  for (let position = 0, turn = 0; position < archive.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.write(archive.subarray(position, position + size));
    position += size;
  }
  reader.finish();
  assert.ok(entries.every(({ ended }) => ended));
  return entries.map(({ entry, pieces }) => ({ entry, content: Buffer.concat(pieces).toString('latin1') }));
}

const name = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 300 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x2f ? 0x61 : byte))));
const item = fc.record({
  name,
  content: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0xffff_fffe }),
  mtime: fc.integer({ min: -1e9, max: 2 ** 40 }),
});

test('property: what was written is read, however the bytes come in', () => {
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1 }),
      (items, sizes) => {
        const result = read(tar(items), sizes);
        assert.equal(result.length, items.length);
        for (const [index, { entry, content }] of result.entries()) {
          const wanted = items[index];
          assert.equal(entry.path, wanted?.name.toString('latin1'));
          assert.equal(content, wanted?.content.toString('latin1'));
          assert.deepEqual([entry.mode, entry.uid, entry.mtimeSeconds], [wanted?.mode, wanted?.uid, wanted?.mtime]);
        }
      },
    ),
    { numRuns: CASES },
  );
});

test('property: damaged bytes are refused with a CribError or read, and never anything else', () => {
  const whole = tar([
    file('a', 'x'.repeat(700), { pax: { mtime: '1.5', 'SCHILY.xattr.user.a': 'b' } }),
    file('n'.repeat(200)),
    hardlink('l', 'a'),
  ]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 }),
      fc.nat(whole.length),
      fc.boolean(),
      (changes, cut, mend) => {
        const bytes = Buffer.from(whole);
        for (const [position, value] of changes) bytes[position] = value;
        if (mend)
          for (let start = 0; start + 512 <= 1024; start += 1024) withChecksum(bytes.subarray(start, start + 512));
        try {
          read(bytes.subarray(0, cut), [97]);
        } catch (error) {
          assert.ok(error instanceof CribError, String(error));
        }
      },
    ),
    { numRuns: CASES },
  );
});

test('property: PAX values are bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      const [first] = read(tar([{ name: 'x', pax: { 'SCHILY.xattr.security.capability': Buffer.from(bytes) } }]));
      assert.deepEqual(first?.entry.xattrs.get('security.capability'), Buffer.from(bytes));
    }),
    { numRuns: CASES },
  );
});

test('v7, the ustar prefix, and what ends an archive', () => {
  const v7 = Buffer.from(tar([{ name: 'dir/', flag: '\0' }], false));
  v7.fill(0, 257, 265);
  withChecksum(v7);
  assert.equal(read(v7)[0]?.entry.type, 'directory');
  const prefixed = Buffer.from(tar([file('name')], false));
  prefixed.write('some/prefix', 345, 'latin1');
  assert.equal(read(withChecksum(prefixed))[0]?.entry.path, 'some/prefix/name');
  assert.equal(read(Buffer.concat([tar([file('a')]), Buffer.from('what follows is passed over')])).length, 1);
  assert.equal(read(Buffer.alloc(0)).length, 0);
  assert.equal(read(tar([file('a', 'abc')], false).subarray(0, 515))[0]?.content, 'abc', 'the last padding may lack');
});

test('a slash at the end makes a directory of what has no content, as old archives have it', () => {
  const [empty, old, full] = read(tar([file('a/'), { name: 'b/', flag: '\0' }, file('c/', 'content')]));
  assert.deepEqual([empty?.entry.type, old?.entry.type, full?.entry.type], ['directory', 'directory', 'file']);
  assert.equal(full?.content, 'content');
});

test('an owner is a number of 32 bits: a negative one is a large one, and the last is none', () => {
  const ids = ['-2', '-1', '4294967294', '4294967295', '70000'];
  const owners = read(tar(ids.map((id) => file(id, '', { pax: { uid: id, gid: id } })))).map(({ entry }) => entry.uid);
  assert.deepEqual(owners, [4294967294, 0, 4294967294, 0, 70000]);
});

test('an empty extended attribute is one', () => {
  const [first] = read(tar([file('a', '', { pax: { 'SCHILY.xattr.user.e': '' } })]));
  assert.deepEqual(first?.entry.xattrs, new Map([['user.e', Buffer.alloc(0)]]));
});

const BAD: readonly [string, Buffer, RegExp][] = [
  ['cut in a header', tar([file('a')]).subarray(0, 300), /in the middle/],
  ['cut in contents', tar([file('a', 'x'.repeat(600))]).subarray(0, 1000), /in the middle/],
  ['cut after an extended header', tar([{ name: 'x', flag: 'x', content: '9 path=a\n' }], false), /in the middle/],
  ['a checksum that is wrong', Buffer.alloc(512, 1), /checksum/],
  ['one block of zeros between', Buffer.concat([Buffer.alloc(512), tar([file('a')])]), /zeros/],
  ['a PAX length that is wrong', tar([{ name: 'x', flag: 'x', content: '99 path=a\n' }, file('a')]), /wrong length/],
  ['a PAX record without a key', tar([{ name: 'x', flag: 'x', content: '5 =a\n' }, file('a')]), /without a key/],
  ['a PAX size that is none', tar([file('a', '', { pax: { size: '1e3' } })]), /not a number/],
  ['an extended header of 2 MiB', tar([{ name: 'x', flag: 'x', content: Buffer.alloc(2 << 20) }]), /limit/],
  ['an owner out of range', tar([file('a', '', { pax: { uid: '4294967296' } })]), /out of range/],
];

for (const [what, archive, message] of BAD) {
  test(`refused: ${what}`, () => {
    assert.throws(() => read(archive), { code: 'INVALID_ARGUMENT', message });
  });
}

test('a PAX size overrides the header, negative times keep their fraction', () => {
  const items: TarItem[] = [file('a', 'abc', { pax: { size: '3', mtime: '-1.25' }, size: 0 })];
  const [first] = read(tar(items));
  assert.equal(first?.content, 'abc');
  assert.deepEqual([first?.entry.mtimeSeconds, first?.entry.mtimeNanoseconds], [-2, 750_000_000]);
});
