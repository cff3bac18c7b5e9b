/** `kill -9` of cribd while an image is pulled: the next start has no part of it, and the next pull succeeds. */

import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildImage } from '../support/images.js';
import { rootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import type { ChurnNode } from './node.js';
import type { PhaseResult } from './phase.js';
import type { Random } from './random.js';

const LAYERS = 6;
const FILES = 20;
const FILE_BYTES = 100_000;

/** Pushes the image that is to be pulled, about 12 MB in 6 layers, and returns its reference. */
export async function pushPullImage(address: string): Promise<string> {
  const layers = Array.from({ length: LAYERS }, (_, layer) =>
    rootfs(
      Array.from({ length: FILES }, (_, file) => ({
        path: `layer${layer}/file${file}`,
        content: randomBytes(FILE_BYTES),
      })),
    ),
  );
  await pushImage(address, 'churn/pulled', '1', await buildImage({ layers }));
  return `${address}/churn/pulled:1`;
}

export async function runPulls(node: ChurnNode, image: string, random: Random, kills: number): Promise<PhaseResult> {
  const began = performance.now();
  const failures: string[] = [];
  const restarts: number[] = [];
  const before = await filesOfImages(node);
  const whole = await pullAndRemove(node, image, before, failures);
  for (let kill = 1; kill <= kills && failures.length === 0; kill++) {
    node.throwIfStopped();
    const pull = node.daemon.cri.images.pullImage({ image: { image } }).then(
      () => true,
      () => false,
    );
    await sleep(random.between(1, Math.ceil(whole * 1.1)));
    restarts.push(
      await node.killDaemon(async () => {
        const done = await pull;
        const left = await partsLeft(node, image, before, done);
        if (left !== '') failures.push(`after kill ${kill} during a pull: ${left}`);
      }),
    );
    await pullAndRemove(node, image, before, failures);
  }
  const seconds = (performance.now() - began) / 1000;
  return { name: 'pull', pods: 0, kills: restarts.length, seconds, restarts, failures };
}

/** Milliseconds that an undisturbed pull took. */
async function pullAndRemove(
  node: ChurnNode,
  image: string,
  before: readonly string[],
  failures: string[],
): Promise<number> {
  const began = performance.now();
  await node.call((cri) => cri.images.pullImage({ image: { image } }));
  const took = performance.now() - began;
  await node.call((cri) => cri.images.removeImage({ image: { image } }));
  const more = added(before, await filesOfImages(node));
  if (more.length > 0) failures.push(`left of a removed image: ${more.join(', ')}`);
  return took;
}

/** Where the image is not there, nothing half done is; the next pull goes on with what is whole, and with begun blobs. */
async function partsLeft(
  node: ChurnNode,
  reference: string,
  before: readonly string[],
  done: boolean,
): Promise<string> {
  const { image } = await node.daemon.cri.images.imageStatus({ image: { image: reference } });
  if (image !== undefined) return '';
  if (done) return 'an image whose pull was answered is not there';
  const more = added(before, await filesOfImages(node)).filter((file) => !isForNextPull(file));
  return more.length === 0 ? '' : `the image is not listed, yet there is ${more.join(', ')}`;
}

async function filesOfImages(node: ChurnNode): Promise<string[]> {
  const root = join(node.daemon.dir, 'root');
  const lists = await Promise.all(
    ['images', 'layers'].map(async (name) => {
      const entries = await readdir(join(root, name), { recursive: true }).catch((): string[] => []);
      return entries.map((entry) => join(name, entry));
    }),
  );
  return lists.flat();
}

function isForNextPull(file: string): boolean {
  return /^images\/(blobs\/sha256|ingest)\/[0-9a-f]{64}$|^layers\/[0-9a-f]{16}(\/|$)/.test(file);
}

function added(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((file) => !before.includes(file)).slice(0, 10);
}
