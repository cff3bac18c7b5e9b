/**
 * How long a pull takes: 8 layers, about 170 MB compressed and 515 MB raw, from Debian's docker-registry on loopback.
 * `node dist/test/bench/pull.js [runs]`.
 */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createRegistryClient } from '../../runtime/images/registry/client.js';
import { createImageStore } from '../../runtime/images/store.js';
import { buildImage } from '../support/images.js';
import { pushImage } from '../support/images-push.js';
import { startRegistry } from '../support/registry.js';
import { LAYER_BYTES, LAYERS, layerTar } from './big-image.js';

const roots: string[] = [];
const server = await startRegistry();
const image = await buildImage({
  layers: Array.from({ length: LAYERS }, (_, index) => layerTar(index)),
  format: 'docker',
});
await pushImage(server.address, 'bench', 'latest', image);
const registry = createRegistryClient({ certsDir: '/nonexistent', dockerConfigPaths: [] });
const compressed = image.blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
console.log(
  `${LAYERS} layers, ${(compressed / 1e6).toFixed(0)} MB compressed, ${((LAYERS * LAYER_BYTES) / 1e6).toFixed(0)} MB raw`,
);
for (let run = 0; run < Number(process.argv[2] ?? 3); run++) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-bench-'));
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const store = createImageStore({ root, registry, layersInUse: () => new Set(), pinned: [], log });
  await store.open();
  const begin = performance.now();
  const before = process.cpuUsage();
  let unpacked = 0;
  await store.pull(`${server.address}/bench`, {
    onProgress: ({ layersDone }) => {
      if (layersDone === LAYERS && unpacked === 0) unpacked = performance.now() - begin;
    },
  });
  const took = performance.now() - begin;
  const cpu = process.cpuUsage(before);
  console.log(
    `pull ${took.toFixed(0)} ms (sync to disk ${(took - unpacked).toFixed(0)} of it), CPU of this process ${((cpu.user + cpu.system) / 1000).toFixed(0)} ms`,
  );
  await store.close();
  roots.push(root);
}
// Last: ext4 searches long for inodes for a while after many were freed.
for (const root of roots) await fs.rm(root, { recursive: true, force: true });
await server.stop();
