import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reader } from '../../../cri/cli/manifest-reader.js';

const reader = new Reader(
  { name: 'web', number: 3, yes: true, list: [{ a: 'x' }], words: ['a'], labels: { app: 'web' }, nothing: null },
  'spec',
);

test('fields are read by their type, and are empty where they are not there', () => {
  assert.deepEqual([reader.text('name'), reader.text('none'), reader.requiredText('name')], ['web', '', 'web']);
  assert.deepEqual(
    [reader.integer('number'), reader.integer('none'), reader.integer('nothing')],
    [3, undefined, undefined],
  );
  assert.deepEqual([reader.flag('yes'), reader.flag('none'), reader.flag('none', true)], [true, false, true]);
  assert.deepEqual([reader.scalar('number'), reader.scalar('name'), reader.scalar('none')], ['3', 'web', undefined]);
  assert.deepEqual(
    [reader.textList('words'), reader.textList('none'), reader.texts('labels')],
    [['a'], [], { app: 'web' }],
  );
  assert.equal(reader.list('list')[0]?.text('a'), 'x');
  assert.equal(reader.oneOf('none', ['first', 'second']), 'first');
  assert.equal(new Reader({ a: { b: 'c' } }, '').child('a').text('b'), 'c');
});

test('what has the wrong type is refused by its path', () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => reader.text('number'), /^spec\.number must be a string/],
    [() => reader.requiredText('none'), /^spec\.none is required/],
    [() => reader.integer('name'), /^spec\.name must be a whole number/],
    [() => new Reader({ a: -1 }, 'spec').integer('a'), /^spec\.a must be/],
    [() => reader.flag('name'), /^spec\.name must be true or false/],
    [() => reader.scalar('yes'), /^spec\.yes must be a quantity/],
    [() => reader.list('name'), /^spec\.name must be a list/],
    [() => reader.list('words'), /^spec\.words\[0\] must be an object/],
    [() => reader.textList('list'), /^spec\.list must be a list of strings/],
    [() => reader.child('words'), /^spec\.words must be an object/],
    [() => reader.oneOf('name', ['', 'first']), /^spec\.name must be one of first$/],
    [() => reader.allow(['name']), /^spec\.number is not something crib run understands/],
  ];
  for (const [read, message] of cases) assert.throws(read, { code: 'INVALID_ARGUMENT', message });
});

test('what every object has by birth is no field', () => {
  assert.equal(reader.text('toString'), '');
  assert.equal(reader.has('constructor'), false);
});
