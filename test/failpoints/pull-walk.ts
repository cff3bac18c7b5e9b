/** An image from PullImage to RemoveImage. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalkClient } from './client.js';
import type { Stage } from './stage.js';

/** Throws what is wrong with the image. */
export async function walkPull(stage: Stage, client: WalkClient): Promise<void> {
  const image = { image: { image: stage.pulled } };
  const { imageRef } = await client.call('PullImage', (cri, options) => cri.images.pullImage(image, options));
  const { image: found } = await client.call('ImageStatus', (cri, options) => cri.images.imageStatus(image, options));
  assert.equal(found?.id, imageRef, 'the image is there');
  await checkLayers(stage, imageRef);
  await client.call('RemoveImage', (cri, options) => cri.images.removeImage(image, options));
  const { image: left } = await client.call('ImageStatus', (cri, options) => cri.images.imageStatus(image, options));
  assert.equal(left, undefined, 'the image is gone');
}

/** What the upper layer took from the lower one is right. */
async function checkLayers(stage: Stage, id: string): Promise<void> {
  const root = join(stage.daemon.dir, 'root');
  const catalog: unknown = JSON.parse(await readFile(join(root, 'images', 'images.json'), 'utf8'));
  const { images } = catalog as { images: { id: string; chain: string[] }[] };
  const chain = images.find((image) => image.id === id)?.chain ?? [];
  const upper = join(root, 'layers', chain.at(-1)?.slice('sha256:'.length, 'sha256:'.length + 16) ?? '', 'fs');
  assert.equal(await readFile(join(upper, 'etc', 'again'), 'utf8'), 'from the lower layer');
  assert.equal(await readFile(join(upper, 'etc', 'above'), 'utf8'), 'from the upper layer');
}
