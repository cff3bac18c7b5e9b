/** The images of the benchmarks, in a registry on loopback whose content is kept in the test cache between runs. */

import { createHash } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from '../support/cache.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs, rootfs, staticProgram } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { type Registry, startRegistry } from '../support/registry.js';
import { LAYER_BYTES, LAYERS, layerTar } from './big-image.js';

export interface BenchImages {
  readonly registry: Registry;
  /** Reference of the image that the pods run. */
  readonly busybox: string;
  /** References of images of one layer, of a few programs, with none in common. */
  readonly small: readonly string[];
  /** References of images of 8 layers, alike in shape and with no layer in common. */
  readonly big: readonly string[];
}

const BUSYBOX = 'bench/busybox';
const SMALL = 'bench/small';
const SMALL_TAGS = ['1', '2', '3', '4', '5'];
const BIG = 'bench/big';
const BIG_TAGS = ['1', '2', '3'];
/** The sandbox image of runtimes that have one, below the registry that it is named with. */
const PAUSE = 'crib-test/pause';

/** Starts the registry; builds and pushes what it does not have yet. `pulls`: those that are pulled for time too. */
export async function startImages(pulls: boolean): Promise<BenchImages> {
  const key = createHash('sha256').update(`1 ${LAYERS} ${LAYER_BYTES}`).digest('hex').slice(0, 12);
  const dir = await cacheDir('bench', `registry-${key}`);
  const registry = await startRegistry({ dir });
  try {
    await once(join(dir, 'small.pushed'), () => pushSmall(registry.address));
    if (pulls) await once(join(dir, 'pulls.pushed'), () => pushPulls(registry.address));
    for (const [index, tag] of pulls ? BIG_TAGS.entries() : []) {
      await once(join(dir, `big-${tag}.pushed`), () => pushBig(registry.address, tag, index * LAYERS));
    }
  } catch (error) {
    await registry.stop();
    throw error;
  }
  return {
    registry,
    busybox: `${registry.address}/${BUSYBOX}:1`,
    small: SMALL_TAGS.map((tag) => `${registry.address}/${SMALL}:${tag}`),
    big: BIG_TAGS.map((tag) => `${registry.address}/${BIG}:${tag}`),
  };
}

async function once(mark: string, make: () => Promise<void>): Promise<void> {
  const there = await access(mark).then(
    () => true,
    () => false,
  );
  if (there) return;
  await make();
  await writeFile(mark, '');
}

async function pushSmall(address: string): Promise<void> {
  const files = await busyboxRootfs();
  await pushImage(address, BUSYBOX, '1', await buildImage({ files, config: { Cmd: ['sh'] } }));
  // As small as containerd's own: one static program that waits.
  const pause = rootfs([await staticProgram('/usr/bin/catatonit')]);
  const config = { User: '65535:65535', Entrypoint: ['/usr/bin/catatonit', '-P'] };
  await pushImage(address, PAUSE, '1', await buildImage({ files: pause, config }));
}

async function pushPulls(address: string): Promise<void> {
  const files = await busyboxRootfs();
  for (const tag of SMALL_TAGS) {
    const own = { path: 'etc/tag', type: 'file', content: tag, mode: 0o644 } as const;
    await pushImage(address, SMALL, tag, await buildImage({ files: [...files, own], format: 'docker' }));
  }
}

async function pushBig(address: string, tag: string, first: number): Promise<void> {
  console.error('bench: making an image of 8 layers (once; it is kept in the test cache)');
  const layers = Array.from({ length: LAYERS }, (_, index) => layerTar(first + index));
  await pushImage(address, BIG, tag, await buildImage({ layers, format: 'docker' }));
}
