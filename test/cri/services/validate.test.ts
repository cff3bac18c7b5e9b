import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as validate from '../../../cri/services/validate.js';

const refused = (work: () => unknown, message: RegExp) => assert.throws(work, { code: 'INVALID_ARGUMENT', message });

test('whole numbers stay in their range; what is beyond a safe integer is the largest', () => {
  assert.equal(validate.integer(5n, 'f', 0), 5);
  assert.equal(validate.integer(2n ** 63n - 1n, 'f', 0), Number.MAX_SAFE_INTEGER);
  refused(() => validate.integer(-1n, 'f', 0), /^f is -1: it must not be less than 0/);
  refused(() => validate.integer(70_000, 'f', 1, 65_535), /^f is 70000: it must not be more than 65535/);
});

test('a limit of -1 and the largest number mean unlimited', () => {
  assert.deepEqual(
    [validate.limit(-1n, 'f'), validate.limit(2n ** 63n - 1n, 'f'), validate.limit(7n, 'f')],
    [-1, -1, 7],
  );
  refused(() => validate.limit(-2n, 'f'), /^f is -2/);
});

test('a timeout is milliseconds that a timer takes', () => {
  assert.equal(validate.timeoutMs(3n, 'f'), 3000);
  assert.ok(validate.timeoutMs(2n ** 63n - 1n, 'f') < 2 ** 31);
  refused(() => validate.timeoutMs(-1n, 'f'), /^f is -1/);
});

test('paths', () => {
  assert.equal(validate.absolutePath('/a/../b', 'f'), '/a/../b');
  assert.equal(validate.plainPath('/a/b..c', 'f'), '/a/b..c');
  assert.equal(validate.pathBelow('', 'f'), '');
  assert.equal(validate.fileBelow('a/0.log', 'f'), 'a/0.log');
  refused(() => validate.absolutePath('a', 'f'), /must be an absolute path/);
  refused(() => validate.absolutePath('/a\0', 'f'), /NUL/);
  refused(() => validate.absolutePath(`/${'a'.repeat(4095)}`, 'f'), /longer than 4095 bytes/);
  refused(() => validate.plainPath('/a/..', 'f'), /without "\.\."/);
  for (const climbing of ['..', 'a/../b', '/a']) refused(() => validate.pathBelow(climbing, 'f'), /must be relative/);
  for (const directory of ['', '.', 'a/', 'a/.']) refused(() => validate.fileBelow(directory, 'f'), /must name a file/);
});

test('names and ids', () => {
  assert.equal(validate.nameOf('ü', 'f'), 'ü');
  refused(() => validate.nameOf('', 'f'), /^f is required/);
  refused(() => validate.nameOf('ü'.repeat(600), 'f'), /longer than 1024 bytes/);
  assert.equal(validate.idOf('aB0_+.-', 'f'), 'aB0_+.-');
  for (const id of ['.', '..', 'a b', 'a/b', 'a'.repeat(129)]) refused(() => validate.idOf(id, 'f'), /is not an id/);
});

test('what is shown of a request is quoted and short', () => {
  assert.equal(validate.shown('a"\n'), '"a\\"\\n"');
  assert.ok(validate.shown('x'.repeat(1000)).length < 90);
});

test('labels are bounded together, keys too', () => {
  const labels = { [`k${'x'.repeat(300_000)}`]: 'y'.repeat(300_000) };
  refused(() => validate.labels(labels, 'f'), /^f are 600001 bytes together/);
  assert.deepEqual(validate.labels({ a: 'b' }, 'f'), { a: 'b' });
});

test('words for the numbers of an enum, addresses, and what must be there', () => {
  assert.equal(validate.enumOf(1, ['a', 'b'], 'f'), 'b');
  for (const number of [2, -1, Number.NaN])
    refused(() => validate.enumOf(number, ['a', 'b'], 'f'), /none of its values/);
  for (const address of ['', '10.0.0.1', 'fd00::1']) assert.equal(validate.addressOf(address, 'f'), address);
  refused(() => validate.addressOf('10.0.0', 'f'), /is not an IP address/);
  refused(() => validate.required(undefined, 'f'), /^f is required/);
});
