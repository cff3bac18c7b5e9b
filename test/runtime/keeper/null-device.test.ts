import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { openNull } from '../../../runtime/keeper/null-device.js';

test('it reads and writes as /dev/null does, and its owner and mode stay', () => {
  const fd = openNull();
  try {
    assert.equal(fs.writeSync(fd, 'x'), 1);
    assert.equal(fs.readSync(fd, Buffer.alloc(1)), 0);
    assert.throws(() => fs.fchownSync(fd, 1234, 1234), { code: 'EROFS' });
    assert.throws(() => fs.fchmodSync(fd, 0o600), { code: 'EROFS' });
    assert.equal(fs.fstatSync(fd).rdev, fs.statSync('/dev/null').rdev);
  } finally {
    fs.closeSync(fd);
  }
});
