import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WritableLayers } from '../../sandbox/writable-layers.js';
import { until } from '../support/until.js';

async function layer(t: TestContext) {
  const upper = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-layer-'));
  t.after(() => fs.rm(upper, { recursive: true, force: true }));
  const layers = new WritableLayers('/mountpoint');
  t.after(() => layers.close());
  const scanned = async () => {
    const before = layers.usage('c', upper).timestamp;
    for (let tries = 0; tries < 6000; tries += 1) {
      const usage = layers.usage('c', upper);
      if (usage.timestamp !== before) return usage;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('it was not scanned');
  };
  return { upper, layers, scanned };
}

test('counts blocks and inodes as du does, with no symlink followed and a sparse file by what it has', async (t) => {
  const { upper, layers, scanned } = await layer(t);
  await fs.mkdir(path.join(upper, 'a/b'), { recursive: true });
  for (let index = 0; index < 150; index += 1)
    await fs.writeFile(path.join(upper, 'a/b', `f${index}`), 'x'.repeat(5000));
  await fs.symlink('/usr', path.join(upper, 'link'));
  const sparse = await fs.open(path.join(upper, 'sparse'), 'w');
  await sparse.truncate(1 << 30);
  await sparse.close();
  assert.deepEqual(
    [layers.usage('c', upper).usedBytes, layers.usage('c', upper).inodesUsed],
    [4096, 1],
    'until it is scanned',
  );
  const usage = await scanned();
  const [bytes] = execFileSync('du', ['-s', '--block-size=1', upper], { encoding: 'utf8' }).split('\t');
  assert.equal(usage.usedBytes, Number(bytes));
  assert.equal(usage.inodesUsed, 1 + 2 + 150 + 2);
  assert.equal(usage.mountpoint, '/mountpoint');
});

test('the total is of those that are there', async (t) => {
  const { upper, layers } = await layer(t);
  layers.usage('one', upper);
  layers.usage('two', upper);
  assert.equal(layers.total().inodesUsed, 2);
  layers.forget('one');
  layers.forget('one');
  assert.equal(layers.total().usedBytes, 4096);
});

test('a layer that has gone keeps its last figures, and the others are scanned all the same', async (t) => {
  const { upper, layers, scanned } = await layer(t);
  await fs.mkdir(path.join(upper, 'd'));
  layers.usage('gone', path.join(upper, 'none'));
  assert.equal((await scanned()).inodesUsed, 2);
  assert.equal(layers.usage('gone', '').inodesUsed, 1);
});

test('closed during a scan, it plans no other and starts none when it is asked', async (t) => {
  const { upper, layers } = await layer(t);
  const list = t.mock.method(fs, 'readdir');
  const planned = t.mock.method(globalThis, 'setTimeout');
  layers.usage('c', upper);
  while (list.mock.callCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  layers.close();
  layers.usage('c', upper);
  await sleep(20);
  assert.equal(planned.mock.callCount(), 1, 'the one that began the scan');
});

test('one that was asked for while it was removed is forgotten again', async (t) => {
  const { upper, layers } = await layer(t);
  layers.usage('gone', path.join(upper, 'gone'));
  await until(() => layers.total().inodesUsed === 0, 'it is forgotten');
});
