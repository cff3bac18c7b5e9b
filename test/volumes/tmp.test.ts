import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { prepareVolumes } from '../../volumes/prepare.js';
import { hasEmptyTmp, wantsTmp } from '../../volumes/tmp.js';
import { HOST, makeTemporary, mountOf, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
});
after(() => removeTemporary(root));

const rootfs = (name: string, fill: (directory: string) => void) => {
  const directory = path.join(root, name);
  fs.mkdirSync(directory);
  fill(directory);
  return directory;
};
const TMPFS = { tmp: 'tmpfs' } as const;

test('only where the policy says so and nothing is mounted there or below', () => {
  assert.equal(wantsTmp(TMPFS, []), true);
  assert.equal(wantsTmp(TMPFS, ['/tmpx', '/var/tmp', '/t']), true);
  assert.equal(wantsTmp(TMPFS, ['/data', '/tmp']), false);
  assert.equal(wantsTmp(TMPFS, ['/tmp/a/b']), false);
  assert.equal(wantsTmp({ tmp: 'image' }, []), false);
});

test('only where the image has nothing there', () => {
  assert.equal(hasEmptyTmp(rootfs('none', () => {})), true);
  assert.equal(hasEmptyTmp(rootfs('empty', (at) => fs.mkdirSync(path.join(at, 'tmp')))), true);
  const full = rootfs('full', (at) => fs.mkdirSync(path.join(at, 'tmp/.hidden'), { recursive: true }));
  assert.equal(hasEmptyTmp(full), false);
  assert.equal(hasEmptyTmp(rootfs('file', (at) => fs.writeFileSync(path.join(at, 'tmp'), ''))), false);
  const link = rootfs('link', (at) => fs.symlinkSync('var/tmp', path.join(at, 'tmp')));
  assert.equal(hasEmptyTmp(link), false);
  const out = rootfs('out', (at) => fs.symlinkSync('/nonexistent-crib', path.join(at, 'tmp')));
  assert.equal(hasEmptyTmp(out), false);
});

test('a container gets it with a decision of its own, and none where it would hide something', async () => {
  const policy = { ...HOST.policy, ...TMPFS };
  const given = await prepareVolumes([], { ...HOST, policy, rootfs: path.join(root, 'empty') });
  assert.deepEqual(
    given.map(({ decision, mount }) => [decision.kind, decision.route, decision.driver, mount?.type]),
    [['tmp', 'guest-local', 'tmpfs', 'tmpfs']],
  );
  assert.deepEqual(await prepareVolumes([], { ...HOST, policy, rootfs: path.join(root, 'full') }), []);
  const mounted = await prepareVolumes([mountOf(root, '/tmp')], { ...HOST, policy, rootfs: path.join(root, 'empty') });
  assert.equal(mounted.length, 1);
  assert.deepEqual(await prepareVolumes([], { ...HOST, rootfs: path.join(root, 'empty') }), []);
});
