import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { removeTree } from '../../../runtime/remove-tree.js';
import { holdsFiles, removeFilestores } from '../../../sandbox/gvisor/filestores.js';
import { fillDirectory, inSmallHeap } from '../../support/small-heap.js';
import { makeTemporary, removeTemporary } from '../../volumes/fixture.js';

test('takes away what sentries left and nothing else; a directory that is gone is none', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTemporary(directory));
  fs.writeFileSync(path.join(directory, '.gvisor.filestore.abc'), 'x');
  assert.equal(await holdsFiles(directory), false);
  await removeFilestores(path.join(directory, 'nowhere'));
  assert.equal(await holdsFiles(path.join(directory, 'nowhere')), false);
  await removeFilestores(directory);
  assert.deepEqual(fs.readdirSync(directory), []);
});

test('the end of one sandbox leaves what a newer one of the same pod has', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTemporary(directory));
  for (const name of ['old', 'older', 'new']) fs.writeFileSync(path.join(directory, `.gvisor.filestore.${name}`), 'x');
  await removeFilestores(directory, 'old');
  assert.deepEqual(fs.readdirSync(directory), ['.gvisor.filestore.new', '.gvisor.filestore.older']);
});

test('a container that makes a directory or a symlink of that name holds nothing up', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTemporary(directory));
  fs.symlinkSync('/etc/passwd', path.join(directory, '.gvisor.filestore.link'));
  fs.mkdirSync(path.join(directory, '.gvisor.filestore.directory'));
  await removeFilestores(directory);
  assert.equal(fs.readdirSync(directory).length, 2);
  assert.equal(await holdsFiles(directory), true);
});

test('a volume that a container has filled does not fill the memory', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTree(directory));
  const wide = path.join(directory, 'wide');
  fillDirectory(wide);
  fs.writeFileSync(path.join(wide, '.gvisor.filestore.abc'), 'x');
  await inSmallHeap('sandbox/gvisor/filestores.js', 'removeFilestores', wide);
  assert.equal(fs.existsSync(path.join(wide, '.gvisor.filestore.abc')), false);
});
