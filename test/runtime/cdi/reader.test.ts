import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolute, list, matching, number, object, oneOf, optional, text } from '../../../runtime/cdi/reader.js';

const read = object({ name: text, sizes: list(number), path: optional(absolute), kind: optional(oneOf(['a', 'b'])) });

test('an object is read field by field; missing lists are empty', () => {
  const value = { name: 'x', path: '/p', kind: 'b' };
  assert.deepEqual(read(value, 'it'), { name: 'x', sizes: [], path: '/p', kind: 'b' });
});

test('the place of what is wrong is named', () => {
  const wrong: [unknown, RegExp][] = [
    [[], /^it is not an object$/],
    [{ name: 1 }, /^it\.name is not text$/],
    [{ name: 'a\0b' }, /^it\.name is not text$/],
    [{ name: 'x', sizes: [1, -1] }, /^it\.sizes\[1\] is not a whole number/],
    [{ name: 'x', sizes: {} }, /^it\.sizes is not a list$/],
    [{ name: 'x', path: 'p' }, /^it\.path is not an absolute path$/],
    [{ name: 'x', kind: 'c' }, /^it\.kind is none of a, b$/],
    [{ name: 'x', more: 1 }, /^it\.more is not a field/],
  ];
  for (const [value, message] of wrong) assert.throws(() => read(value, 'it'), { message });
  assert.throws(() => matching(/^[rw]$/, 'r or w')('x', 'it'), { message: 'it is "x", not r or w' });
});
