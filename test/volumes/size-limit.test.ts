import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setXattr } from '../../runtime/linux/files.js';
import { notedSizeLimit, noteSizeLimit } from '../../volumes/size-limit.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('a limit that was noted is found; nothing else is taken for one', () => {
  assert.equal(notedSizeLimit(root), undefined);
  noteSizeLimit(root, 64 << 20);
  assert.equal(notedSizeLimit(root), 64 << 20);
  for (const text of ['', 'many', '-1', '1e99']) {
    setXattr(root, 'trusted.crib.size-limit', Buffer.from(text));
    assert.equal(notedSizeLimit(root), undefined, text);
  }
  assert.equal(notedSizeLimit(`${root}/nowhere`), undefined);
});

test('a file system without attributes keeps none, and says nothing', () => {
  noteSizeLimit('/proc', 1);
  assert.equal(notedSizeLimit('/proc'), undefined);
});
