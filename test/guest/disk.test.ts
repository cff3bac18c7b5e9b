import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../support/command.js';
import { makeDisk, makeEmptyDisk } from './disk.js';

test('a disk has the files of the tree, and takes no more room than they need', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'crib-disk-'));
  try {
    const tree = join(dir, 'tree');
    await mkdir(join(tree, 'a'), { recursive: true });
    await writeFile(join(tree, 'a', 'b'), 'content\n');
    const file = join(dir, 'disk.ext4');
    await makeDisk(tree, file, 64);
    const read = await command('debugfs', ['-R', 'cat /a/b', file]);
    assert.equal(read.toString(), 'content\n');
    const { size, blocks } = await stat(file);
    assert.ok(size === 64 << 20 && blocks * 512 < 16 << 20, `${size} ${blocks}`);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('an empty disk is an empty archive', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'crib-disk-'));
  try {
    const file = join(dir, 'results.tar');
    await makeEmptyDisk(file, 1);
    assert.equal((await command('tar', ['-t', '-f', file])).toString(), '');
  } finally {
    await rm(dir, { recursive: true });
  }
});
