import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { removeBelow } from '../../../runtime/cgroups/subtree.js';
import { mount, unmount } from '../../../runtime/linux/mounts.js';

test('a clock that is set while a busy cgroup is removed does not end the attempts', async (t) => {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-subtree-'));
  t.after(() => fs.rmSync(parent, { recursive: true, force: true }));
  const busy = path.join(parent, 'busy');
  fs.mkdirSync(busy);
  mount('tmpfs', busy, 'tmpfs', 0); // rmdir(2) of a mount point is EBUSY, as of a cgroup with a process
  setTimeout(() => unmount(busy), 50);
  let jumps = 0;
  t.mock.method(Date, 'now', () => ++jumps * 3_600_000);
  await removeBelow(busy);
  assert.equal(fs.existsSync(busy), false);
});
