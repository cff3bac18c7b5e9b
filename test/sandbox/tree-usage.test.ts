import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { treeUsage } from '../../sandbox/tree-usage.js';
import { fillDirectory, inSmallHeap } from '../support/small-heap.js';
import { endSwapper, startSwapper } from '../support/swapper.js';

let root = '';
before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-tree-'));
  fs.mkdirSync(path.join(root, 'a/b'), { recursive: true });
  for (let index = 0; index < 200; index += 1) fs.writeFileSync(path.join(root, 'a/b', `f${index}`), 'x'.repeat(5000));
  fs.symlinkSync('/usr', path.join(root, 'link'));
});
after(() => fs.rmSync(root, { recursive: true }));

test('counts as du does, without following symlinks', async () => {
  const du = Number(execFileSync('du', ['-s', '-B1', root], { encoding: 'utf8' }).split('\t')[0]);
  assert.deepEqual(await treeUsage(root, 1000), { bytes: du, inodes: 204, complete: true });
});

test('ends at its limit and when nobody wants it any more, and says so', async () => {
  const limited = await treeUsage(root, 100);
  assert.equal(limited?.complete, false);
  assert.ok(limited.inodes < 204);
  let steps = 0;
  const ended = await treeUsage(root, 1000, () => ++steps < 2);
  assert.equal(ended?.complete, false);
});

test('what is gone has no use, and a file neither', async () => {
  assert.equal(await treeUsage(path.join(root, 'none'), 10), undefined);
  assert.equal(await treeUsage(path.join(root, 'a/b/f0'), 10), undefined);
});

test('a directory that is swapped for a link meanwhile is not gone through', async () => {
  const outside = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-tree-out-'));
  fs.mkdirSync(path.join(outside, 'b'));
  for (let index = 0; index < 50; index += 1) fs.writeFileSync(path.join(outside, 'b', `f${index}`), '');
  fs.writeFileSync(path.join(outside, 'b', 'large'), Buffer.alloc(8 << 20));
  const child = await startSwapper(path.join(root, 'a'), outside);
  try {
    for (let round = 0; round < 100; round += 1) {
      const usage = await treeUsage(root, 1000);
      assert.ok((usage?.bytes ?? 0) < 4 << 20, `round ${round}: ${usage?.bytes} bytes`);
    }
  } finally {
    await endSwapper(child);
    fs.rmSync(outside, { recursive: true });
  }
});

test('a directory with more files than there is memory for is counted up to the limit', async () => {
  const wide = path.join(root, 'wide');
  fillDirectory(wide);
  const usage = await inSmallHeap('sandbox/tree-usage.js', 'treeUsage', wide, 10_000_000);
  assert.deepEqual(usage, { ...(await treeUsage(wide, 10_000_000)), inodes: 50_001, complete: true });
});
