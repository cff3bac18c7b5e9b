import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { makeDirectory, replaceFile } from '../../runtime/durable-file.js';
import { MS } from '../../runtime/linux/constants.js';
import { mount, unmount } from '../../runtime/linux/mounts.js';

/** Calls `use` with a directory that is a tmpfs with these flags and options. */
async function onTmpfs(flags: number, options: string, use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-durable-'));
  mount('tmpfs', directory, 'tmpfs', flags, options);
  try {
    await use(directory);
  } finally {
    unmount(directory);
    await fs.rmdir(directory);
  }
}

test('a file is replaced in one step, and a directory is made with those above it', () =>
  onTmpfs(0, '', async (directory) => {
    const file = path.join(directory, 'a/b/file');
    await makeDirectory(path.dirname(file), 0o700);
    await makeDirectory(path.dirname(file), 0o700);
    await replaceFile(file, 'one', true);
    await replaceFile(file, 'two', false);
    assert.equal(await fs.readFile(file, 'utf8'), 'two');
    assert.deepEqual(await fs.readdir(path.dirname(file)), ['file']);
    assert.equal((await fs.stat(path.dirname(file))).mode & 0o777, 0o700);
  }));

test('a read-only disk is FAILED_PRECONDITION with the way out, for files and directories', () =>
  onTmpfs(MS.RDONLY, '', async (directory) => {
    const told = (what: string) => ({
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`^${what} ${directory}.*a read-only file system; make it writable`),
    });
    await assert.rejects(makeDirectory(path.join(directory, 'a/b'), 0o700), told('making'));
    await assert.rejects(replaceFile(path.join(directory, 'file'), '', true), told('writing'));
  }));

test('a full disk is RESOURCE_EXHAUSTED and leaves what was there', () =>
  onTmpfs(0, 'size=64k', async (directory) => {
    const file = path.join(directory, 'file');
    await replaceFile(file, 'old', true);
    const exhausted = { code: 'RESOURCE_EXHAUSTED', message: /no space left/ };
    await assert.rejects(replaceFile(file, 'x'.repeat(1 << 20), true), exhausted);
    assert.equal(await fs.readFile(file, 'utf8'), 'old');
    assert.deepEqual(await fs.readdir(directory), ['file']);
  }));

test('what is in the way is said, with the way out', () =>
  onTmpfs(0, '', async (directory) => {
    const file = path.join(directory, 'file');
    await fs.writeFile(file, '');
    for (const wanted of [file, path.join(file, 'a'), path.join(file, 'a/b')]) {
      const message = `making ${wanted}: a file is in the way; move it away, or give crib another --root or --state`;
      await assert.rejects(makeDirectory(wanted, 0o700), { code: 'FAILED_PRECONDITION', message });
    }
  }));

test('where no directory can be made it says so, and does not try for ever', async () => {
  await assert.rejects(makeDirectory('/proc/crib/a', 0o700), { code: 'ENOENT' });
  await assert.rejects(makeDirectory('/proc/crib', 0o700), { code: 'ENOENT' });
});

test('a directory that many make at once is made', () =>
  onTmpfs(0, '', async (directory) => {
    const names = ['a/b/c', 'a/b/d', 'a/b', 'a/b/c/e', 'a'];
    await Promise.all(names.map((name) => makeDirectory(path.join(directory, name), 0o700)));
    for (const name of names) assert.equal((await fs.stat(path.join(directory, name))).isDirectory(), true);
  }));
