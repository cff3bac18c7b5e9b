import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAbsolute, checkInteger, checkText, cleanPath } from '../../../runtime/spec/checks.js';

const refusal = (message: string | RegExp) => ({ code: 'INVALID_ARGUMENT', message });

test('a path is cleaned, and leads nowhere above the root', () => {
  for (const [given, expected] of [
    ['/', '/'],
    ['//a//b/', '/a/b'],
    ['/a/./b/../c', '/a/c'],
    ['/../../etc', '/etc'],
    ['/a/..', '/'],
    ['/...', '/...'],
    ['/a b\n', '/a b\n'],
  ] as const) {
    assert.equal(checkAbsolute('field', given), expected);
  }
  assert.equal(cleanPath('a/../..'), '..');
  assert.throws(() => checkAbsolute('field', 'etc'), refusal('field: "etc" is not an absolute path'));
  assert.throws(() => checkAbsolute('field', ''), refusal('field: "" is not an absolute path'));
  assert.throws(() => checkAbsolute('field', '/a\0/b'), refusal('field: holds a NUL byte'));
});

test('text and whole numbers within their bounds', () => {
  assert.equal(checkText('field', 'ü\n'), 'ü\n');
  assert.throws(() => checkText('field', 'a\0'), refusal(/NUL/));
  assert.equal(checkInteger('field', -5, -5, 5), -5);
  for (const value of [6, -6, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => checkInteger('field', value, -5, 5), refusal(`field: ${value} is not an integer from -5 to 5`));
  }
  assert.throws(() => checkInteger('field', 0, 1), refusal('field: 0 is not an integer at least 1'));
});
