import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { differences, ENTRY_LIST, writeEntryList } from '../../../volumes/verity/entry-list.js';
import { makeTemporary, removeTemporary } from '../fixture.js';

let root = '';
let fd = 0;
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('a/b'), { recursive: true });
  for (const name of ['a/one', 'a/two', 'a/b/three', 'odd\nname']) fs.writeFileSync(at(name), name);
  fd = fs.openSync(root, 'r');
});
afterEach(async () => {
  fs.closeSync(fd);
  await removeTemporary(root);
});

it('names what differs, is new or is missing, and not the directories that hold it', async () => {
  await writeEntryList(fd);
  await writeEntryList(fd);
  assert.equal(await differences(fd), undefined);
  fs.writeFileSync(at('a/two'), 'twO');
  fs.rmSync(at('a/b/three'));
  fs.writeFileSync(at('new'), '');
  assert.equal(await differences(fd), 'a/two differs, new is new, a/b/three is missing');
  fs.chmodSync(at('odd\nname'), 0o600);
  assert.match((await differences(fd)) ?? '', /^a\/two differs, .*, and 1 more$/);
});

it('has nothing to say without a list, or with one that is none', async () => {
  assert.equal(await differences(fd), undefined);
  fs.symlinkSync('/etc/passwd', at(ENTRY_LIST));
  assert.equal(await differences(fd), undefined);
  fs.rmSync(at(ENTRY_LIST));
  fs.mkdirSync(at(ENTRY_LIST));
  assert.equal(await differences(fd), undefined);
});

it('leaves no list behind when the tree cannot be hashed', async () => {
  await assert.rejects(writeEntryList(fd, AbortSignal.abort()), { code: 'CANCELLED' });
  assert.equal(fs.existsSync(at(ENTRY_LIST)), false);
});
