import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Trash } from '../../../runtime/containers/trash.js';
import type { Log } from '../../../runtime/log.js';

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function directoryOf(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-trash-'));
  t.after(() => fs.rm(directory, { recursive: true, force: true }));
  return directory;
}

async function makeTree(tree: string): Promise<void> {
  await fs.mkdir(path.join(tree, 'upper', 'etc'), { recursive: true });
  await fs.writeFile(path.join(tree, 'upper', 'etc', 'hosts'), 'text');
}

const names = (directory: string) => fs.readdir(directory).catch(() => []);

test('a tree is gone at once, and nothing of it is left in the end; one that is not there is not taken', async (t) => {
  const directory = await directoryOf(t);
  const trash = new Trash(path.join(directory, 'trash'), log);
  await trash.open();
  for (const round of ['first', 'second']) {
    await makeTree(path.join(directory, 'tree'));
    assert.equal(await trash.take(path.join(directory, 'tree')), true);
    assert.deepEqual(
      (await names(directory)).filter((name) => name === 'tree'),
      [],
      round,
    );
  }
  assert.equal(await trash.take(path.join(directory, 'tree')), false);
  await trash.close();
  assert.deepEqual(await names(path.join(directory, 'trash')), []);
});

test('what a kill has left is removed by the next start', async (t) => {
  const directory = await directoryOf(t);
  await makeTree(path.join(directory, 'trash', 'left'));
  const trash = new Trash(path.join(directory, 'trash'), log);
  await trash.open();
  await trash.close();
  assert.deepEqual(await names(path.join(directory, 'trash')), []);
});

test('what cannot be renamed is not taken, and stays where it is', async (t) => {
  const directory = await directoryOf(t);
  await makeTree(path.join(directory, 'tree'));
  await fs.writeFile(path.join(directory, 'trash'), 'no directory');
  const trash = new Trash(path.join(directory, 'trash'), log);
  assert.equal(await trash.take(path.join(directory, 'tree')), false);
  assert.deepEqual((await names(directory)).sort(), ['trash', 'tree']);
});
