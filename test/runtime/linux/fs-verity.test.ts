/** Without a file system that has fs-verity: what it is like then. With one, nothing here was ever run. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { measureVerity } from '../../../runtime/linux/fs-verity.js';

const measured = (file: string) => {
  const fd = fs.openSync(file, 'r');
  try {
    return measureVerity(fd);
  } finally {
    fs.closeSync(fd);
  }
};

test('a file that has no fs-verity is no error, on whatever file system it is', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-fs-verity-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  fs.writeFileSync(path.join(directory, 'file'), 'content');
  for (const file of [path.join(directory, 'file'), directory, '/proc/self/status', '/sys/kernel', '/dev/null']) {
    assert.equal(measured(file), undefined, file);
  }
});

test('what is no open file is an error, not a file without fs-verity', () => {
  assert.throws(() => measureVerity(-1), /FS_IOC_MEASURE_VERITY.*EBADF|EBADF/);
});
