import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoryOf, isId, newId } from '../../../runtime/containers/ids.js';

test('a new id is 64 hexadecimal digits and never the same', () => {
  const ids = new Set(Array.from({ length: 100 }, newId));
  assert.equal(ids.size, 100);
  for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/);
});

test('an id is one component of a path', () => {
  for (const good of ['a', 'A_b+c.d-e', '..a', `${'a'.repeat(128)}`]) assert.ok(isId(good), good);
  for (const bad of ['', '.', '..', 'a/b', '/a', 'a b', 'a\0', 'ä', 'a'.repeat(129)]) assert.ok(!isId(bad), bad);
});

test('a directory is never outside its root', () => {
  assert.equal(directoryOf('/root', 'abc'), '/root/abc');
  for (const bad of ['..', '../x', '.', 'a/../../b', '']) {
    assert.throws(() => directoryOf('/root', bad), { code: 'INVALID_ARGUMENT' });
  }
});
