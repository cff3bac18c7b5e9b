/** Run as a process: begins to pull an image into argv[2] whose last layer never comes whole, says so, and waits. */

import crypto from 'node:crypto';
import { createImageStore } from '../../../runtime/images/store.js';
import { file, tar } from '../tar-writer.js';
import { MemoryRegistry, makeImage } from './memory-registry.js';

/** The same in every process. */
export function imageToKill() {
  const noise = (seed: number) =>
    Buffer.concat(Array.from({ length: 8192 }, (_, i) => crypto.createHash('sha512').update(`${seed} ${i}`).digest()));
  return makeImage([0, 1, 2].map((seed) => ({ raw: tar([file(`file${seed}`, noise(seed))]) })));
}

async function main(root: string): Promise<void> {
  const registry = new MemoryRegistry();
  const image = imageToKill();
  registry.add('t', image);
  registry.stalls.set(image.layers[2]?.digest ?? '', 200_000);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const store = createImageStore({ root, registry, layersInUse: () => new Set(), pinned: [], log });
  await store.open();
  setInterval(() => {}, 1000);
  await store.pull('example.com/killed:t', {
    onProgress: ({ layersDone }) => {
      if (layersDone === 2) process.stdout.write('two layers\n');
    },
  });
}

if (process.argv[2] !== undefined && import.meta.url.endsWith(process.argv[1]?.split('/').at(-1) ?? '?')) {
  await main(process.argv[2]);
}
