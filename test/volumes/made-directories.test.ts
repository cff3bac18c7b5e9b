import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeSource, takeAway } from '../../volumes/made-directories.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('what was made is taken away up to what was there before', async () => {
  const made = await makeSource(path.join(root, 'a/b/c'));
  await takeAway(made);
  assert.deepEqual(fs.readdirSync(root), []);
});

test('what somebody has begun to use stays', async () => {
  const made = await makeSource(path.join(root, 'used/deep'));
  fs.writeFileSync(path.join(root, 'used/file'), '');
  await takeAway(made);
  assert.deepEqual(fs.readdirSync(path.join(root, 'used')), ['file']);
  await takeAway(made);
});

test('a path with .. in it is not guessed at, and one through a file cannot be made', async () => {
  await assert.rejects(makeSource(`${root}/a/../b`), { code: 'FAILED_PRECONDITION', message: /has "\.\." in it/ });
  await assert.rejects(makeSource(path.join(root, 'used/file/x')), { code: 'FAILED_PRECONDITION', message: /ENOTDIR/ });
});

test('where nothing can be made, as in /proc, that is said, and not tried for ever', async () => {
  await assert.rejects(makeSource('/proc/driver/crib/x'), { code: 'FAILED_PRECONDITION', message: /ENOENT/ });
});

test('what is made with a slash at its end, or was there, is named by it', async () => {
  const directory = path.join(root, 'slash/end');
  assert.deepEqual(await makeSource(`${directory}/`), { directory: `${directory}/`, first: path.join(root, 'slash') });
  assert.deepEqual(await makeSource(directory), { directory, first: directory });
});
