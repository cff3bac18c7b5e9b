import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { onlyRootIsPending } from '../../../runtime/images/layer-settle.js';
import { makeNode } from '../../../runtime/linux/files.js';

let root = '';
before(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-settle-'));
  await fs.mkdir(path.join(root, 'upper/other'), { recursive: true });
  await fs.mkdir(path.join(root, 'lower/old'), { recursive: true });
  await fs.symlink('nowhere', path.join(root, 'upper/dead'));
  makeNode(path.join(root, 'upper/gone'), constants.S_IFCHR, 0);
});
after(() => fs.rm(root, { recursive: true }));

const alone = (implicit: string[], links: { path: string; target: string }[] = []) =>
  onlyRootIsPending({ implicit, links }, [`${root}/upper`, `${root}/lower`]);

test('only the root is pending where the implicit directories are new', async () => {
  const latin1 = Buffer.from('é/c').toString('latin1');
  assert.equal(await alone(['', 'new', 'new/a', latin1, `${latin1}/d`]), true);
  assert.equal(await alone([]), true);
  assert.equal(await onlyRootIsPending({ implicit: ['old'], links: [] }, []), true, 'the lowest layer');
});

test('a name of any kind in any lower layer takes more: a directory, a dangling symlink, a whiteout', async () => {
  for (const implicit of ['old', 'old/x', 'other', 'dead/x', 'gone']) {
    assert.equal(await alone(['', implicit]), false, implicit);
  }
});

test('so does a hard link that waits, more directories than are looked for, a name that is none', async () => {
  assert.equal(await alone([''], [{ path: 'new/l', target: 'other/f' }]), false);
  assert.equal(await alone(Array.from({ length: 17 }, (_, index) => `many${index}`)), false);
  assert.equal(await alone(['..']), false, 'it exists');
});
