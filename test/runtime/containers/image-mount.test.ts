import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { mountImage } from '../../../runtime/containers/image-mount.js';
import { unmount } from '../../../runtime/linux/mounts.js';

let root = '';
before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-image-mount-'));
});
after(() => fs.rmSync(root, { recursive: true }));

function layer(name: string, files: Readonly<Record<string, string>>): string {
  const directory = path.join(root, 'layers', name);
  fs.mkdirSync(directory, { recursive: true });
  for (const [file, content] of Object.entries(files)) fs.writeFileSync(path.join(directory, file), content);
  return directory;
}

const mounts = () => fs.readFileSync('/proc/self/mountinfo', 'utf8').match(new RegExp(`${root}\\S*`, 'g')) ?? [];

test('more layers than fit the data of mount(2) are merged, the upper ones over the lower ones', () => {
  const pad = 'x'.repeat(100);
  const lowers = Array.from({ length: 60 }, (_, n) => layer(`${pad}${n}`, { [`file${n}`]: `${n}`, same: `${n}` }));
  const target = path.join(root, 'many');
  mountImage(lowers, target, '');
  try {
    assert.equal(fs.readdirSync(target).length, 61);
    assert.equal(fs.readFileSync(path.join(target, 'same'), 'utf8'), '59');
  } finally {
    unmount(target);
  }
  assert.deepEqual(mounts(), []);
});

test('an image without layers is an empty directory', () => {
  const target = path.join(root, 'none');
  mountImage([], target, '');
  assert.deepEqual(fs.readdirSync(target), []);
  unmount(target);
});

test('nothing stays mounted where a sub-path is not there', () => {
  const directory = layer('odd', {});
  fs.symlinkSync('/proc/self/root/etc', path.join(directory, 'magic'));
  assert.throws(() => mountImage([directory], path.join(root, 'a'), 'magic'), { code: 'NOT_FOUND' });
  assert.throws(() => mountImage([directory], path.join(root, 'b'), 'nothing'), { code: 'NOT_FOUND' });
  assert.deepEqual(mounts(), []);
});
