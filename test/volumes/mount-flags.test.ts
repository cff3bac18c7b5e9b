import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { isReadOnlyMount, keptFlags } from '../../volumes/mount-flags.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { HOST, makeTemporary, mountCommand, mountOf, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

test('what is forbidden is kept, what is no prohibition is not', () => {
  assert.deepEqual(keptFlags({ options: ['rw', 'noexec', 'nosuid', 'relatime', 'nodev'] }), [
    'nosuid',
    'nodev',
    'noexec',
  ]);
  assert.deepEqual(keptFlags({ options: ['rw', 'relatime'] }), []);
  assert.deepEqual(keptFlags(undefined), []);
  assert.equal(isReadOnlyMount({ options: ['ro', 'nosuid'] }), true);
  assert.equal(isReadOnlyMount({ options: ['rw'] }), false);
});

test('a bind mount has the flags of the mount of its source, and is read-only where that is', async () => {
  const [plain, strict] = ['plain', 'strict'].map((name) => path.join(root, name));
  for (const directory of [plain, strict]) fs.mkdirSync(directory ?? '');
  mountCommand('-t', 'tmpfs', 'tmpfs', plain ?? '');
  mountCommand('--bind', plain ?? '', strict ?? '');
  mountCommand('-o', 'remount,bind,ro,nosuid,nodev', strict ?? '');
  const optionsOf = async (source = '') => (await prepareVolumes([mountOf(source, '/v')], HOST))[0]?.mount?.options;
  assert.deepEqual(await optionsOf(plain), ['rbind', 'rprivate', 'rw']);
  assert.deepEqual(await optionsOf(strict), ['rbind', 'rprivate', 'ro', 'nosuid', 'nodev']);
});
