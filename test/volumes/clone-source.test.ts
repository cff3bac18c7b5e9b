import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { cloneSource } from '../../volumes/clone-source.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
  fs.mkdirSync(path.join(root, 'a/b'), { recursive: true });
  fs.symlinkSync('a', path.join(root, 'link'));
});
after(() => removeTemporary(root));

it('copies what is there, and follows no link that was put in its path', () => {
  const tree = cloneSource(path.join(root, 'a'), true);
  assert.deepEqual(fs.readdirSync(`/proc/self/fd/${tree}`), ['b']);
  fs.closeSync(tree);
  const before = fs.readdirSync('/proc/self/fd').length;
  for (const name of ['link', 'link/b'])
    assert.throws(() => cloneSource(path.join(root, name), true), { code: 'ELOOP' });
  assert.throws(() => cloneSource(path.join(root, 'none'), true), { code: 'ENOENT' });
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
