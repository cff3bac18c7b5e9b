import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOf, hostile, join, normalise, onDisk, parentOf, shown } from '../../../../runtime/images/unpack/paths.js';

test('names lose leading slashes, dots and empty parts, and keep everything else', () => {
  for (const [name, normal] of [
    ['a/b', 'a/b'],
    ['./a', 'a'],
    ['/a//b/', 'a/b'],
    ['./', ''],
    ['/', ''],
    ['.', ''],
    ['a/./b/.', 'a/b'],
    ['..a/b..', '..a/b..'],
    ['...', '...'],
    ['.hidden', '.hidden'],
    ['a b\n', 'a b\n'],
  ] as const) {
    assert.equal(normalise(name), normal, JSON.stringify(name));
  }
});

test('a part that is ".." takes back the one before it, and at the root none', () => {
  for (const [name, normal] of [
    ['..', ''],
    ['../a', 'a'],
    ['a/..', ''],
    ['a/../b', 'b'],
    ['/../../a', 'a'],
    ['./../.', ''],
    ['a/b//..//../../c', 'c'],
    ['a/b/../c', 'a/c'],
  ] as const) {
    assert.equal(normalise(name), normal, name);
  }
});

test('parents and bases come apart and go together again', () => {
  for (const [path, parent, base] of [
    ['a', '', 'a'],
    ['a/b/c', 'a/b', 'c'],
    ['', '', ''],
  ] as const) {
    assert.equal(parentOf(path), parent);
    assert.equal(baseOf(path), base);
    assert.equal(join(parent, base), path);
  }
});

test('a name that is not ASCII is bytes on disk, one that is stays text', () => {
  assert.equal(onDisk('a/b'), '/a/b');
  assert.equal(onDisk('', '/layer'), '/layer/');
  assert.deepEqual(onDisk('\xff\xfe', '/l'), Buffer.concat([Buffer.from('/l/'), Buffer.of(0xff, 0xfe)]));
  const utf8 = Buffer.from('ä').toString('latin1');
  assert.deepEqual(onDisk(utf8), Buffer.from('/ä'));
});

test('a name in a message is text on one line and bounded', () => {
  assert.equal(shown(Buffer.from('grün\n').toString('latin1')), '"grün\\n"');
  assert.ok(shown('x'.repeat(10_000)).length < 300);
  assert.equal(hostile('it is odd').code, 'INVALID_ARGUMENT');
});
