import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { mount, unmount } from '../../runtime/linux/mounts.js';
import { filesystemNames } from '../../sandbox/filesystems.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-filesystems-'));
const [layers, containers] = [path.join(root, 'layers'), path.join(root, 'containers')];
after(() => fs.rmSync(root, { recursive: true }));

test('one disk has one name, two have two', async () => {
  assert.deepEqual(await filesystemNames(root), { images: root, containers: root });
  mount('tmpfs', containers, 'tmpfs', 0);
  try {
    assert.deepEqual(await filesystemNames(root), { images: root, containers });
    mount('tmpfs', layers, 'tmpfs', 0);
    assert.deepEqual(await filesystemNames(root), { images: layers, containers });
    unmount(containers);
    assert.deepEqual(await filesystemNames(root), { images: layers, containers: root });
  } finally {
    for (const directory of [layers, containers]) {
      try {
        unmount(directory);
      } catch {
        // not mounted any more
      }
    }
  }
});
