import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { storageChecks } from '../../../../cri/cli/doctor/storage.js';
import { unmountIfMounted } from '../../../../runtime/containers/rootfs.js';
import { mount } from '../../../../runtime/linux/mounts.js';

/** `merged` in it may be mounted. */
async function directoryOf(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-storage-'));
  t.after(async () => {
    unmountIfMounted(path.join(directory, 'merged'));
    await fs.rm(directory, { recursive: true });
  });
  return directory;
}

test('a file system that takes writable layers and id-mapped ones is fine, and is left as it was', async (t) => {
  const directory = await directoryOf(t);
  const checks = await storageChecks(path.join(directory, 'not', 'there', 'yet'));
  assert.deepEqual(
    checks.map(({ what, state }) => [what, state]),
    [
      ['storage', 'ok'],
      ['id-mapped layers', 'ok'],
    ],
    JSON.stringify(checks),
  );
  assert.deepEqual(await fs.readdir(directory), []);
});

test('overlayfs takes no writable layer on overlayfs, and that is said', async (t) => {
  const directory = await directoryOf(t);
  for (const name of ['lower', 'upper', 'work', 'merged']) await fs.mkdir(path.join(directory, name));
  const merged = path.join(directory, 'merged');
  const layers = ['lowerdir=lower', 'upperdir=upper', 'workdir=work'].map((option) =>
    option.replace('=', `=${directory}/`),
  );
  mount('overlay', merged, 'overlay', 0, layers.join(','));
  const [storage] = await storageChecks(merged);
  assert.equal(storage?.state, 'missing');
  assert.match(storage?.detail ?? '', /cannot hold writable layers/);
  assert.deepEqual(await fs.readdir(merged), []);
});
