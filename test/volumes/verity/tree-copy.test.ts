import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { getXattr, makeDevice, makeNode, setXattr } from '../../../runtime/linux/files.js';
import { openPath } from '../../../runtime/linux/mounts.js';
import { copyTree } from '../../../volumes/verity/tree-copy.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

let root = '';
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('from/a/b'), { recursive: true });
  fs.mkdirSync(at('to'));
  fs.writeFileSync(at('from/a/file'), Buffer.alloc(600_000, 'abc'));
});
afterEach(() => removeTemporary(root));

async function copy(signal?: AbortSignal): Promise<void> {
  const [from, to] = [openPath(at('from')), openPath(at('to'))];
  try {
    await copyTree(from, to, signal);
  } finally {
    fs.closeSync(from);
    fs.closeSync(to);
  }
}

it('the copy has the root hash of the original', async () => {
  fs.chmodSync(at('from/a/file'), 0o4511);
  fs.chownSync(at('from/a/file'), 5, 6);
  fs.chownSync(at('from/a/b'), 7, 8);
  fs.chmodSync(at('from'), 0o1750);
  fs.symlinkSync('/etc', at('from/link'));
  fs.lchownSync(at('from/link'), 9, 10);
  execFileSync('mkfifo', ['-m', '0600', at('from/fifo')]);
  makeNode(at('from/null'), fs.constants.S_IFCHR | 0o666, makeDevice(1, 3));
  fs.writeFileSync(Buffer.concat([Buffer.from(`${at('from')}/`), Buffer.of(0xff)]), 'x');
  await copy();
  assert.equal(referenceRootHash(at('to')), referenceRootHash(at('from')));
});

it('has the attributes that the root hash covers, also where the owner is not root', async () => {
  fs.chownSync(at('from/a/file'), 5, 6);
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  setXattr(at('from/a/file'), 'security.capability', capability);
  for (const place of ['from', 'from/a/b', 'from/a/file']) setXattr(at(place), 'user.note', Buffer.from(place));
  await copy();
  assert.equal(referenceRootHash(at('to')), referenceRootHash(at('from')));
  assert.deepEqual(getXattr(at('to/a/file'), 'security.capability'), capability);
  assert.equal(getXattr(at('to'), 'user.note')?.toString(), 'from');
});

it('says with the path what does not fit, and what cannot be gone into', async () => {
  mountCommand('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('to'));
  await assert.rejects(copy(), { code: 'RESOURCE_EXHAUSTED', message: /^copying a\/file: ENOSPC/ });
});

it('does not go into a mount, and can be given up', async () => {
  await assert.rejects(copy(AbortSignal.abort()), { code: 'CANCELLED' });
  mountCommand('-t', 'tmpfs', 'tmpfs', at('from/a/b'));
  await assert.rejects(copy(), { code: 'FAILED_PRECONDITION', message: /^copying a\/b: .*EXDEV/ });
});
