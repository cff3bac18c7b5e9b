import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readSmallFile, SMALL_FILE_BYTES } from '../../runtime/small-files.js';

test('reads what node reads', (context) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-small-'));
  context.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const file = path.join(root, 'file');
  for (const length of [0, 1, 2047, 2048, SMALL_FILE_BYTES - 1, SMALL_FILE_BYTES]) {
    fs.writeFileSync(file, 'x'.repeat(length));
    assert.equal(readSmallFile(file)?.length, length);
  }
  fs.writeFileSync(file, 'x'.repeat(SMALL_FILE_BYTES + 1));
  assert.equal(readSmallFile(file)?.length, SMALL_FILE_BYTES, 'the beginning of a longer one');
  for (const made of ['/proc/self/limits', '/proc/self/mountinfo', '/proc/filesystems']) {
    assert.equal(readSmallFile(made), fs.readFileSync(made, 'latin1'));
  }
});

test('what is not there is undefined, what cannot be read is an error, and no descriptor stays open', () => {
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  for (let round = 0; round < 5; round++) {
    assert.equal(readSmallFile('/proc/4194305/limits'), undefined);
    assert.equal(readSmallFile('/proc/self/limits/below'), undefined);
    assert.throws(() => readSmallFile('/proc'), /EISDIR/);
  }
  assert.equal(open(), before);
});
