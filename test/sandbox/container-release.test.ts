import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { bindMount, unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { CribError } from '../../runtime/errors.js';
import { failWith } from '../../runtime/steps.js';
import { releaseBundle } from '../../sandbox/container-release.js';

/** A bundle with a volume of the host's mounted in it, as crib mounts those that the OCI runtime cannot. */
async function bundleWithVolume() {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-release-'));
  const volume = path.join(directory, 'volume');
  const bundle = path.join(directory, 'bundle');
  const mounted = path.join(bundle, 'volumes', '0');
  await fs.mkdir(volume);
  await fs.mkdir(mounted, { recursive: true });
  await fs.writeFile(path.join(volume, 'data'), 'precious');
  bindMount(volume, mounted);
  const end = async () => {
    unmountIfMounted(mounted);
    await fs.rm(directory, { recursive: true });
  };
  return { directory, volume, bundle, end };
}

test('a bundle goes with its mounts, and what was mounted stays', async (t) => {
  const { volume, bundle, end } = await bundleWithVolume();
  t.after(end);
  await releaseBundle(bundle);
  await releaseBundle(bundle);
  await assert.rejects(fs.stat(bundle), { code: 'ENOENT' });
  assert.equal(await fs.readFile(path.join(volume, 'data'), 'utf8'), 'precious');
});

test('where a volume cannot be unmounted, nothing in the bundle is removed: not the files of the volume', async (t) => {
  const { volume, bundle, end } = await bundleWithVolume();
  t.after(end);
  t.after(() => failWith(undefined));
  failWith(async (name, work) => {
    if (name === 'release-bundle/volumes') throw new CribError('INTERNAL', 'busy');
    return work();
  });
  await assert.rejects(releaseBundle(bundle), { message: 'busy' });
  assert.equal(await fs.readFile(path.join(volume, 'data'), 'utf8'), 'precious');
});
