/**
 * How long a pull takes without a daemon around it: 8 layers, about 180 MB compressed and 540 MB raw, from Debian's
 * docker-registry on loopback. `node dist/test/bench/pull.js [1 to 3 runs]`.
 */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRegistryClient } from '../../runtime/images/registry/client.js';
import { createImageStore } from '../../runtime/images/store.js';
import { command } from '../support/command.js';
import { LAYERS } from './big-image.js';
import { startImages } from './images.js';
import { cpuMs } from './processes.js';

const roots: string[] = [];
const images = await startImages(true);
const registry = createRegistryClient({ certsDir: '/nonexistent', dockerConfigPaths: [] });
for (const reference of images.big.slice(0, Number(process.argv[2] ?? 3))) {
  const root = await fs.mkdtemp(path.join(process.env.CRIB_BENCH_DIR ?? os.tmpdir(), 'crib-bench-'));
  roots.push(root);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const store = createImageStore({ root, registry, layersInUse: () => new Set(), pinned: [], log });
  await store.open();
  await command('sync', []);
  await sleep(1000);
  const begin = performance.now();
  const own = process.cpuUsage();
  const all = await cpuMs([process.pid]);
  let unpacked = 0;
  await store.pull(reference, {
    onProgress: ({ layersDone }) => {
      if (layersDone === LAYERS && unpacked === 0) unpacked = performance.now() - begin;
    },
  });
  const took = performance.now() - begin;
  const { user, system } = process.cpuUsage(own);
  const mine = (user + system) / 1000;
  const theirs = (await cpuMs([process.pid])) - all - mine;
  console.log(
    `pull ${took.toFixed(0)} ms (sync to disk ${(took - unpacked).toFixed(0)} of it), CPU: ${mine.toFixed(0)} ms here, ${theirs.toFixed(0)} ms in the unpackers`,
  );
  await store.close();
}
// Last: ext4 searches long for inodes for a while after many were freed.
for (const root of roots) await fs.rm(root, { recursive: true, force: true });
await images.registry.stop();
