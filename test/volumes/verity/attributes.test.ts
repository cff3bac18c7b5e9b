import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { setXattr } from '../../../runtime/linux/files.js';
import { attributesAt, attributesDigest, attributesOf } from '../../../volumes/verity/attributes.js';
import { makeTemporary, removeTemporary } from '../fixture.js';

let root = '';
beforeEach(() => {
  root = makeTemporary();
});
afterEach(() => removeTemporary(root));

it('are those that count, in the order of their names, by descriptor and by path', () => {
  const file = path.join(root, 'file');
  fs.writeFileSync(file, '');
  for (const name of ['user.b', 'trusted.a', 'user.a']) setXattr(file, name, Buffer.from(name));
  const fd = fs.openSync(file, 'r');
  try {
    const expected = ['user.a', 'user.b'].map((name) => [name, Buffer.from(name)]);
    assert.deepEqual(attributesOf(fd), expected);
    assert.deepEqual(attributesAt(file), expected);
  } finally {
    fs.closeSync(fd);
  }
});

it('a file system that knows none has files without', () => {
  assert.deepEqual(attributesAt('/proc/version'), []);
  assert.equal(attributesDigest([]).length, 0);
});

it('their digest tells names from values', () => {
  const digests = [
    [['user.ab', Buffer.from('c')]],
    [['user.a', Buffer.from('bc')]],
    [
      ['user.a', Buffer.from('b')],
      ['user.c', Buffer.from('')],
    ],
  ].map((attributes) => attributesDigest(attributes as [string, Buffer][]).toString('hex'));
  assert.equal(new Set(digests).size, 3);
});
