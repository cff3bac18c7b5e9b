import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { AT } from '../../../runtime/linux/constants.js';
import { attachTree } from '../../../runtime/linux/mounts.js';
import { writeEntryList } from '../../../volumes/verity/entry-list.js';
import type { VerityRequest } from '../../../volumes/verity/request.js';
import { VerityError, verify } from '../../../volumes/verity/verified-mount.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

const OPTIONS = { copyMaxBytes: 1 << 20 };
let root = '';
let request: VerityRequest;
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('volume/sub'), { recursive: true });
  fs.mkdirSync(at('target'));
  fs.writeFileSync(at('volume/sub/file'), 'content');
  const rootHash = referenceRootHash(at('volume'));
  request = { name: 'v', rootHash, action: 'error', hold: 'check', containerPath: undefined };
});
afterEach(() => removeTemporary(root));

/** Verifies the volume and attaches what comes of it. */
async function mounted(change: Partial<VerityRequest> = {}, place = at('volume')): Promise<string> {
  const { tree } = await verify(place, { ...request, ...change }, OPTIONS);
  try {
    attachTree(tree, AT.FDCWD, at('target'));
  } finally {
    fs.closeSync(tree);
  }
  return at('target/sub/file');
}

it('a checked volume is read-only, without what is mounted in it', async () => {
  mountCommand('-t', 'tmpfs', 'tmpfs', at('volume/sub'));
  fs.writeFileSync(at('volume/sub/other'), '');
  const file = await mounted();
  assert.equal(fs.readFileSync(file, 'utf8'), 'content');
  assert.throws(() => fs.writeFileSync(file, 'x'), { code: 'EROFS' });
  const options = fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(at('target')));
  assert.match(options ?? '', / ro,nosuid,nodev/);
});

it('a copy stays what was checked; a check alone is of that moment', async () => {
  const file = await mounted({ hold: 'copy' });
  fs.writeFileSync(at('volume/sub/file'), 'changed');
  assert.equal(fs.readFileSync(file, 'utf8'), 'content');
  assert.throws(() => fs.writeFileSync(file, 'x'), { code: 'EROFS' });
  const checked = await mounted({ rootHash: referenceRootHash(at('volume')) });
  fs.writeFileSync(at('volume/sub/file'), 'again');
  assert.equal(fs.readFileSync(checked, 'utf8'), 'again');
});

it('one wrong byte is an error with the action, and with the path where there is a list', async () => {
  fs.writeFileSync(at('volume/sub/file'), 'contenT');
  for (const hold of ['check', 'copy'] as const) {
    const failure = verify(at('volume'), { ...request, action: 'panic', hold }, OPTIONS);
    await assert.rejects(failure, (error) => {
      assert.ok(error instanceof VerityError);
      assert.deepEqual([error.code, error.action], ['DATA_LOSS', 'panic']);
      assert.match(
        error.message,
        /its root hash is sha256:\w{64}, not sha256:\w{64}: compare `crib volume hash --entries/,
      );
      return true;
    });
  }
  const fd = fs.openSync(at('volume'), 'r');
  await writeEntryList(fd);
  fs.closeSync(fd);
  const rootHash = referenceRootHash(at('volume'));
  await (async () => fs.closeSync((await verify(at('volume'), { ...request, rootHash }, OPTIONS)).tree))();
  fs.writeFileSync(at('volume/sub/file'), 'content');
  await assert.rejects(verify(at('volume'), { ...request, rootHash }, OPTIONS), { message: /: sub\/file differs$/ });
});

it('a file can be checked and not copied; a copy has a limit, or is not allowed at all', async () => {
  const rootHash = referenceRootHash(at('volume/sub/file'));
  const { tree } = await verify(at('volume/sub/file'), { ...request, rootHash }, OPTIONS);
  fs.closeSync(tree);
  await assert.rejects(verify(at('volume/sub/file'), { ...request, rootHash, hold: 'copy' }, OPTIONS), {
    code: 'FAILED_PRECONDITION',
  });
  fs.writeFileSync(at('volume/large'), Buffer.alloc(2 << 20));
  const large = { ...request, hold: 'copy', rootHash: referenceRootHash(at('volume')) } as const;
  await assert.rejects(verify(at('volume'), large, OPTIONS), {
    code: 'RESOURCE_EXHAUSTED',
    message: /a copy may have 1048576 bytes.*copying large/,
  });
  await assert.rejects(verify(at('volume'), large, { copyMaxBytes: 0 }), {
    code: 'FAILED_PRECONDITION',
    message: /allows no copies/,
  });
});

it('leaves no mount and no descriptor when it fails or is given up', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  for (const hold of ['check', 'copy'] as const) {
    await assert.rejects(verify(at('volume'), { ...request, hold, rootHash: 'sha256:0' }, OPTIONS), VerityError);
    const signal = AbortSignal.abort();
    await assert.rejects(verify(at('volume'), { ...request, hold }, { ...OPTIONS, signal }), { code: 'CANCELLED' });
  }
  fs.symlinkSync('volume', at('link'));
  await assert.rejects(verify(at('link'), request, OPTIONS), { code: 'ELOOP' });
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
