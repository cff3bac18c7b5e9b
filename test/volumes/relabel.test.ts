/** The test machine has no SELinux, but its file systems keep the attribute. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { getXattr, setXattr } from '../../runtime/linux/files.js';
import { relabel } from '../../volumes/relabel.js';
import { endSwapper, startSwapper } from '../support/swapper.js';

const LABEL = 'system_u:object_r:container_file_t:s0:c1,c2';
let root = '';
let outside = '';

before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-relabel-'));
  outside = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-relabel-out-'));
  fs.mkdirSync(path.join(root, 'a/b'), { recursive: true });
  for (let index = 0; index < 450; index += 1) fs.writeFileSync(path.join(root, 'a/b', `file-${index}`), '');
  fs.symlinkSync(outside, path.join(root, 'link'));
});
after(() => {
  for (const directory of [root, outside]) fs.rmSync(directory, { recursive: true });
});

const labelOf = (file: string) => getXattr(path.join(root, file), 'security.selinux')?.toString('latin1');

test('a tree gets the label, files too, and a symlink leads nowhere', async () => {
  setXattr(path.join(root, 'a/b/file-1'), 'security.selinux', Buffer.from('other\0'));
  await relabel(root, LABEL);
  for (const file of ['.', 'a', 'a/b', 'a/b/file-0', 'a/b/file-1', 'a/b/file-449']) {
    assert.equal(labelOf(file), `${LABEL}\0`, file);
  }
  assert.equal(getXattr(outside, 'security.selinux'), undefined);
  const changed = fs.statSync(path.join(root, 'a/b/file-2')).ctimeMs;
  await relabel(root, LABEL);
  assert.equal(fs.statSync(path.join(root, 'a/b/file-2')).ctimeMs, changed, 'what has it is left alone');
});

test('a single file, one without labels, and one that is not there', async () => {
  await relabel(path.join(root, 'a/b/file-3'), 'u:r:t:s1');
  assert.equal(labelOf('a/b/file-3'), 'u:r:t:s1\0');
  await relabel('/proc/self/status', LABEL);
  await relabel(path.join(root, 'none'), LABEL);
});

test("the host's own directories are refused", async () => {
  for (const directory of ['/', '/etc', '/usr', '/var/lib']) {
    await assert.rejects(relabel(directory, LABEL), { code: 'FAILED_PRECONDITION', message: /the host needs/ });
  }
});

test('a directory that is swapped for a link meanwhile takes the label to nothing outside', async () => {
  fs.mkdirSync(path.join(outside, 'b'));
  fs.writeFileSync(path.join(outside, 'b', 'file-2'), '');
  const child = await startSwapper(path.join(root, 'a'), outside);
  try {
    for (let round = 0; round < 40; round += 1) {
      await relabel(root, `round${round}`);
      for (const name of ['', 'b', 'b/file-2']) {
        assert.equal(getXattr(path.join(outside, name), 'security.selinux'), undefined, `round ${round}: ${name}`);
      }
    }
  } finally {
    await endSwapper(child);
  }
});
