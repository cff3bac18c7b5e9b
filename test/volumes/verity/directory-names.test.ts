import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { sortedNames } from '../../../volumes/verity/directory-names.js';
import { makeTemporary, removeTemporary } from '../fixture.js';

function opened(t: TestContext): { directory: string; fd: number } {
  const directory = makeTemporary();
  const fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  t.after(async () => {
    fs.closeSync(fd);
    await removeTemporary(directory);
  });
  return { directory, fd };
}

test('names are in the order of their bytes, and what is no UTF-8 is kept as it is', async (t) => {
  const { directory, fd } = opened(t);
  const names = [
    Buffer.from('b'),
    Buffer.from('a.'),
    Buffer.from('a'),
    Buffer.from('B'),
    Buffer.from('.hidden'),
    Buffer.from([0x61, 0xff]),
    Buffer.from([0xff]),
    Buffer.from([0xfe, 0x0a]),
    // In UTF-16, which is how JavaScript sorts text, the second comes before the first.
    Buffer.from('\u{fb01}'),
    Buffer.from('\u{1f600}'),
  ];
  for (const name of names) fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), name]), '');
  const hex = (list: readonly Buffer[]) => list.map((name) => name.toString('hex'));
  assert.deepEqual(hex(await sortedNames(fd, 'x')), hex([...names]).sort());
});

test('an empty directory has none, and one is read as it is now', async (t) => {
  const { directory, fd } = opened(t);
  assert.deepEqual(await sortedNames(fd, 'x'), []);
  fs.mkdirSync(path.join(directory, 'sub'));
  assert.deepEqual((await sortedNames(fd, 'x')).map(String), ['sub']);
});

test('the directory that is open is read, whatever its path names meanwhile', async (t) => {
  const { directory, fd } = opened(t);
  const below = path.join(directory, 'below');
  fs.mkdirSync(below);
  fs.writeFileSync(path.join(below, 'mine'), '');
  const inner = fs.openSync(below, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  t.after(() => fs.closeSync(inner));
  fs.renameSync(below, `${below}-moved`);
  fs.mkdirSync(below);
  fs.writeFileSync(path.join(below, 'other'), '');
  assert.deepEqual((await sortedNames(inner, 'x')).map(String), ['mine']);
  assert.deepEqual((await sortedNames(fd, 'x')).map(String), ['below', 'below-moved']);
});

test('what is no directory is an error', async () => {
  const fd = fs.openSync('/etc/hostname', 'r');
  try {
    await assert.rejects(sortedNames(fd, 'x'), { code: 'ENOTDIR' });
  } finally {
    fs.closeSync(fd);
  }
});
