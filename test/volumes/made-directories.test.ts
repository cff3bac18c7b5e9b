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
