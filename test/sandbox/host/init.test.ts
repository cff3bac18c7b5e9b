import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { CGROUPFS } from '../../../runtime/cgroups/driver.js';
import { discoverHostFacts } from '../../../runtime/spec/host.js';
import { initBundle } from '../../../sandbox/host/init.js';
import { podRecord } from '../../support/records.js';

const CATATONIT = '/usr/bin/catatonit';

test('shared-PID pods made at the same moment do not race for the root file system of their inits', async () => {
  const state = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-init-'));
  try {
    const host = await discoverHostFacts();
    const rootfs = path.join(state, 'init-rootfs');
    // What a kill -9 in the middle of the copy leaves.
    await fs.mkdir(rootfs);
    await fs.writeFile(path.join(rootfs, 'catatonit.tmp'), 'half');
    const bundle = (index: number) =>
      initBundle(podRecord(`pod${index}`), path.join(state, 'pods', String(index)), state, host, CGROUPFS);
    const bundles = await Promise.all(Array.from({ length: 20 }, (_, index) => bundle(index)));
    assert.equal(new Set(bundles).size, 20);
    assert.deepEqual((await fs.readdir(rootfs)).sort(), ['catatonit', 'dev', 'proc']);
    const binary = path.join(rootfs, 'catatonit');
    assert.deepEqual(await fs.readFile(binary), await fs.readFile(CATATONIT));
    assert.equal((await fs.stat(binary)).mode & 0o777, 0o755);
    const made = (await fs.stat(binary)).ino;
    await bundle(20);
    assert.equal((await fs.stat(binary)).ino, made, 'it is made once');
  } finally {
    await fs.rm(state, { recursive: true });
  }
});
