import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { gatherFacts } from '../../volumes/facts.js';
import { MountTable } from '../../volumes/mount-table.js';
import { makeTemporary, mountCommand, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

const gather = async (hostPath: string) => gatherFacts(hostPath, '/in', await MountTable.read());

test('the type of what a path leads to', async () => {
  fs.writeFileSync(path.join(root, 'file'), '');
  execFileSync('mkfifo', [path.join(root, 'fifo')]);
  fs.symlinkSync('file', path.join(root, 'link'));
  for (const [name, type, real] of [
    ['.', 'directory', root],
    ['file', 'file', path.join(root, 'file')],
    ['fifo', 'fifo', path.join(root, 'fifo')],
    ['link', 'file', path.join(root, 'file')],
  ] as const) {
    const { facts } = await gather(path.join(root, name));
    assert.equal(facts.type, type, name);
    assert.equal(facts.realPath, real, name);
  }
  assert.equal((await gather('/dev/null')).facts.type, 'character');
});

test('what is not there is missing, a symlink to nothing and a path through a file are refused', async () => {
  const missing = await gather(path.join(root, 'none/deep'));
  assert.equal(missing.facts.type, 'missing');
  assert.equal(missing.mount, undefined);
  fs.symlinkSync('/nonexistent-crib', path.join(root, 'dangling'));
  await assert.rejects(gather(path.join(root, 'dangling')), {
    code: 'FAILED_PRECONDITION',
    message: /symlink to \/nonexistent-crib/,
  });
  await assert.rejects(gather('/dev/null/x'), { code: 'FAILED_PRECONDITION', message: /\/dev\/null\/x.*ENOTDIR/ });
  fs.symlinkSync('loop', path.join(root, 'loop'));
  await assert.rejects(gather(path.join(root, 'loop')), { code: 'FAILED_PRECONDITION', message: /ELOOP/ });
});

test('of stacked mounts the upper one, with its file system', async () => {
  const stacked = path.join(root, 'stacked');
  fs.mkdirSync(stacked);
  mountCommand('-t', 'tmpfs', 'lower', stacked);
  mountCommand('-t', 'tmpfs', 'upper', stacked);
  fs.mkdirSync(path.join(stacked, 'below'));
  const { facts, mount } = await gather(path.join(stacked, 'below'));
  assert.equal(facts.mountPoint, stacked);
  assert.equal(facts.filesystemMagic, FS_MAGIC.TMPFS);
  assert.equal(mount?.source, 'upper');
});

test('looking opens nothing for longer than the look', async () => {
  await gather(root);
  const open = fs.readdirSync('/proc/self/fd').length;
  for (let index = 0; index < 20; index += 1) {
    await gather(root);
    await gather('/dev/null/x').catch(() => undefined);
  }
  assert.equal(fs.readdirSync('/proc/self/fd').length, open);
});
