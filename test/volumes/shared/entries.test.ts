import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { AT } from '../../../runtime/linux/constants.js';
import { cloneTree, openPath } from '../../../runtime/linux/mounts.js';
import { attachEntry, detachEntry, isMountedEntry } from '../../../volumes/shared/entries.js';
import { recordingLog } from '../../support/log.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';

let root = '';
let { log, lines } = recordingLog();
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  ({ log, lines } = recordingLog());
  for (const name of ['directory', 'source/below', 'outside']) fs.mkdirSync(at(name), { recursive: true });
});
afterEach(() => removeTemporary(root));

async function withDirectory(use: (directory: { fd: number; path: string }) => Promise<void>): Promise<void> {
  const fd = openPath(at('directory'));
  try {
    await use({ fd, path: at('directory') });
  } finally {
    fs.closeSync(fd);
  }
}

it('an entry is mounted whole, taken out with all that is stacked on it, and leaves nothing', async () => {
  await withDirectory(async (directory) => {
    const tree = cloneTree(AT.FDCWD, at('source'), false);
    attachEntry(directory, 'entry', tree);
    fs.closeSync(tree);
    assert.ok(isMountedEntry(directory, 'entry'));
    mountCommand('-t', 'tmpfs', 'tmpfs', at('directory/entry'));
    await detachEntry(directory, 'entry', { pod: 'p', log });
    assert.equal(isMountedEntry(directory, 'entry'), false);
    await detachEntry(directory, 'entry', { pod: 'p', log });
  });
  assert.deepEqual(fs.readdirSync(at('directory')), []);
  assert.deepEqual(fs.readdirSync(at('source')), ['below']);
  assert.deepEqual(lines, []);
});

it('a name that is taken stays what it is; a mount that fails leaves no entry', async () => {
  fs.symlinkSync(at('outside'), at('directory/link'));
  await withDirectory(async (directory) => {
    const tree = cloneTree(AT.FDCWD, at('source'), false);
    assert.throws(() => attachEntry(directory, 'link', tree), { code: 'ALREADY_EXISTS' });
    fs.closeSync(tree);
    const plain = openPath(at('source'));
    assert.throws(() => attachEntry(directory, 'new', plain), { message: /mounting at .*\/new: move_mount/ });
    fs.closeSync(plain);
  });
  assert.deepEqual(fs.readdirSync(at('directory')), ['link']);
  assert.deepEqual(fs.readdirSync(at('outside')), []);
});

it('a link where a mount should be is told of and removed; a directory with content is not removed', async () => {
  fs.symlinkSync(at('outside'), at('directory/link'));
  fs.mkdirSync(at('directory/full/content'), { recursive: true });
  await withDirectory(async (directory) => {
    await detachEntry(directory, 'link', { pod: 'p', log });
    await assert.rejects(detachEntry(directory, 'full', { pod: 'p', log }), { code: 'FAILED_PRECONDITION' });
  });
  assert.deepEqual(fs.readdirSync(at('directory')), ['full']);
  assert.ok(fs.existsSync(at('outside')));
  assert.deepEqual(lines, [
    {
      level: 'error',
      fields: { pod: 'p', where: at('directory/link'), found: `a symlink to ${at('outside')}` },
      message: 'an attack on the mounts of a pod was held off',
    },
  ]);
});
