import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, isString, parseObject } from '../../../sandbox/network/json.js';

test('an object is neither null nor a list, and what is no JSON is nothing', () => {
  for (const value of [null, [], 'x', 1, undefined]) assert.equal(isObject(value), false);
  assert.equal(isObject({}), true);
  assert.equal(isString(''), true);
  assert.equal(isString(Object('x')), false);
  assert.deepEqual(parseObject('{"a":1}'), { a: 1 });
  for (const text of ['', 'null', '[]', '"x"', '{"a":1', '{} x']) assert.equal(parseObject(text), undefined, text);
});
