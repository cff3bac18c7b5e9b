import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createConfigVolume } from '../../volumes/local-config.js';
import { datedDirectory, readWatchedTree } from '../../volumes/watched-tree.js';
import { makeTemporary, removeTemporary } from './fixture.js';

const LIMITS = { bytes: 4096, entries: 8 };

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('reads the dated directory with everything in it, parents first', async () => {
  const volume = await createConfigVolume(root, 'pod', 'files', { one: 'first', two: { data: 'x', mode: 0o600 } });
  const dated = fs.readlinkSync(path.join(volume, '..data'));
  fs.mkdirSync(path.join(volume, dated, 'deep'));
  fs.symlinkSync('../one', path.join(volume, dated, 'deep', 'link'));
  const tree = await readWatchedTree(volume, LIMITS);
  assert.equal(tree.dated, dated);
  assert.deepEqual(tree.keys, ['deep', 'one', 'two']);
  assert.deepEqual(
    tree.entries.map(({ path, type, content }) => [path, type, content.toString()]),
    [
      [dated, 'directory', ''],
      [`${dated}/deep`, 'directory', ''],
      [`${dated}/one`, 'file', 'first'],
      [`${dated}/two`, 'file', 'x'],
      [`${dated}/deep/link`, 'symlink', '../one'],
    ],
  );
  assert.equal(tree.entries.find(({ path }) => path.endsWith('two'))?.mode, 0o600);
});

test('while it is swapped all the time, every reading is one whole tree', async () => {
  const value = (n: number) => ({ one: `v${n}`, two: `v${n}` });
  const volume = await createConfigVolume(root, 'pod', 'busy', value(0));
  let swapping = true;
  const swaps = (async () => {
    for (let n = 1; swapping; n += 1) await createConfigVolume(root, 'pod', 'busy', value(n));
  })();
  try {
    let whole = 0;
    for (let turn = 0; turn < 50; turn += 1) {
      const tree = await readWatchedTree(volume, LIMITS).catch((error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOENT'); // five swaps during one reading
      });
      if (tree === undefined) continue;
      whole += 1;
      const contents = tree.entries.filter(({ type }) => type === 'file').map(({ content }) => content.toString());
      assert.equal(contents.length, 2);
      assert.equal(contents[0], contents[1]);
    }
    assert.notEqual(whole, 0);
  } finally {
    swapping = false;
    await swaps;
  }
});

test('refuses what is too large, has too many entries or is no file, before reading it', async () => {
  const volume = await createConfigVolume(root, 'pod', 'large', { one: 'x'.repeat(5000) });
  await assert.rejects(readWatchedTree(volume, LIMITS), { code: 'RESOURCE_EXHAUSTED', message: /4096 bytes/ });
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, '']));
  await createConfigVolume(root, 'pod', 'large', many);
  await assert.rejects(readWatchedTree(volume, LIMITS), { code: 'RESOURCE_EXHAUSTED', message: /8 entries/ });
  await createConfigVolume(root, 'pod', 'large', { one: '1' });
  const dated = (await datedDirectory(volume)) ?? '';
  fs.mkdirSync(path.join(volume, dated, 'dir'));
  const { status } = await import('node:child_process').then(({ spawnSync }) =>
    spawnSync('mkfifo', [path.join(volume, dated, 'dir', 'fifo')]),
  );
  assert.equal(status, 0);
  await assert.rejects(readWatchedTree(volume, LIMITS), { code: 'FAILED_PRECONDITION', message: /no file, directory/ });
});

test('a volume without ..data, or one that leads elsewhere, is not a kubelet’s', async () => {
  const volume = path.join(root, 'plain');
  fs.mkdirSync(volume);
  await assert.rejects(readWatchedTree(volume, LIMITS), { code: 'FAILED_PRECONDITION', message: /no \.\.data/ });
  for (const target of ['/etc', '../..', '..', 'plain', '..a/../../etc']) {
    fs.rmSync(path.join(volume, '..data'), { force: true });
    fs.symlinkSync(target, path.join(volume, '..data'));
    assert.equal(await datedDirectory(volume), undefined, target);
  }
});
