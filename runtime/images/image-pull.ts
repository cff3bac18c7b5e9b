/**
 * One pull: manifest (through an index to this platform's), configuration, layers side by side, and only then the image.
 * What fails leaves finished blobs and layers for the next pull, and no image.
 */

import { CribError } from '../errors.js';
import type { Log } from '../log.js';
import { Semaphore } from '../semaphore.js';
import { step } from '../steps.js';
import type { BlobStore } from './blobs.js';
import type { CatalogImage } from './catalog.js';
import type { Holds } from './holds.js';
import { checkSignal, type LayerLimits, pullLayer, type UnpackedLayer } from './layer-pull.js';
import { settleUnpacked } from './layer-settle.js';
import type { LayerStore } from './layers.js';
import { chainIdsOf, diffIdsOf, parseObject, sha256 } from './manifest.js';
import { repositoryName, tagReference } from './reference.js';
import type { Platform } from './registry/platform.js';
import type { Descriptor, Reference, RegistrySession } from './registry-types.js';
import { checkPlatform, type ResolvedImage, resolveImage } from './resolve.js';
import { runConfigOf } from './run-config.js';
import type { SharedWork, Waiter } from './shared-work.js';
import type { PullProgress } from './types.js';
import { UnpackerPool } from './unpacker-pool.js';

export interface PullContext {
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly holds: Holds;
  readonly limits: LayerLimits;
  readonly platform: Platform;
  readonly unpackerScript: string;
  /** Layers being made, by chain id; shared by all pulls. The progress is the blob's bytes that are here. */
  readonly layerWork: SharedWork<void, number>;
  /** Blobs that are written one at a time: an image may have one blob as several layers. */
  readonly blobWork: Map<string, Semaphore>;
  readonly slots: Semaphore;
  readonly log: Log;
}

interface Stack {
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
  readonly chain: readonly string[];
}

export class ImagePull {
  readonly #context: PullContext;
  readonly #session: RegistrySession;
  readonly #reference: Reference;
  readonly #signal: AbortSignal;
  readonly #publish: (progress: PullProgress) => void;
  readonly #unpackers: UnpackerPool;

  constructor(
    context: PullContext,
    session: RegistrySession,
    reference: Reference,
    signal: AbortSignal,
    publish: (progress: PullProgress) => void,
  ) {
    this.#context = context;
    this.#session = session;
    this.#reference = reference;
    this.#signal = signal;
    this.#publish = publish;
    this.#unpackers = new UnpackerPool(context.unpackerScript);
  }

  /** Makes everything that the image needs and calls `register` while it is held against sweeping. */
  async run<T>(register: (image: CatalogImage) => Promise<T>): Promise<T> {
    this.#publish({ phase: 'resolve', downloaded: 0, total: 0, layers: 0, layersDone: 0 });
    const { platform, log } = this.#context;
    const resolved = await step('pull-image/resolve', () =>
      resolveImage(this.#session, this.#reference, platform, this.#signal),
    );
    const { config, layers } = resolved.manifest;
    const { descriptor } = resolved.body;
    const digests = [descriptor.digest, config.digest, ...layers.map((layer) => layer.digest)];
    return this.#context.holds.during(digests, async () => {
      await step('pull-image/manifest', () => this.#context.blobs.put(descriptor.digest, resolved.body.body));
      const image = parseObject(await step('pull-image/config', () => this.#config(config)), 'the image configuration');
      checkPlatform(image, resolved, platform, (facts, said) => log.warn({ image: resolved.named, ...facts }, said));
      const run = runConfigOf(image);
      const diffIds = diffIdsOf(image, layers.length);
      const stack: Stack = { layers, diffIds, chain: chainIdsOf(diffIds) };
      return this.#context.holds.during(stack.chain, async () => {
        await this.#layers(stack);
        return register(this.#record(resolved, stack, run));
      });
    });
  }

  async #config(descriptor: Descriptor): Promise<Buffer> {
    const present = await this.#context.blobs.read(descriptor.digest);
    if (present !== undefined) return present;
    const stream = await this.#session.blob(descriptor, 0, this.#signal);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of stream) {
      length += (piece as Buffer).length;
      if (length > descriptor.size) break;
      pieces.push(piece as Buffer);
    }
    const body = Buffer.concat(pieces);
    if (length !== descriptor.size || sha256(body) !== descriptor.digest) {
      throw new CribError(
        'DATA_LOSS',
        `pull image configuration ${descriptor.digest}: the registry sent other bytes than this digest has`,
      );
    }
    await this.#context.blobs.put(descriptor.digest, body);
    return body;
  }

  async #layers(stack: Stack): Promise<void> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    this.#signal.addEventListener('abort', abort, { once: true });
    if (this.#signal.aborted) abort();
    const meter = new Meter(stack.layers, this.#publish);
    const work = stack.layers.map(async (_, index) => {
      await this.#layer(stack, index, { signal: controller.signal, onProgress: (bytes) => meter.bytes(index, bytes) });
      meter.done(index);
    });
    try {
      await Promise.all(work);
    } catch (error) {
      controller.abort();
      await Promise.allSettled(work);
      throw error;
    } finally {
      this.#unpackers.close();
      this.#signal.removeEventListener('abort', abort);
    }
  }

  /** Layer `index` and all below it: joins whoever is making it, or makes it. */
  async #layer(stack: Stack, index: number, waiter: Waiter<number>): Promise<void> {
    const { chain, layers, diffIds } = stack;
    const chainId = chain[index];
    const descriptor = layers[index];
    const diffId = diffIds[index];
    if (chainId === undefined || descriptor === undefined || diffId === undefined) return;
    if (this.#context.layers.get(chainId) !== undefined) return;
    await this.#context.layerWork.join(chainId, waiter, (signal, publish) =>
      this.#context.holds.during([chainId, descriptor.digest], () =>
        this.#make(stack, index, { chainId, descriptor, diffId, signal, publish }),
      ),
    );
  }

  async #make(
    stack: Stack,
    index: number,
    layer: {
      chainId: string;
      descriptor: Descriptor;
      diffId: string;
      signal: AbortSignal;
      publish: (bytes: number) => void;
    },
  ): Promise<void> {
    const { layers } = this.#context;
    const { chainId, descriptor, diffId, signal } = layer;
    if (layers.get(chainId) !== undefined) return;
    const transfer = { session: this.#session, descriptor, diffId, signal, onBytes: layer.publish };
    const work = { ...this.#context, ...transfer, unpackers: this.#unpackers, index };
    let unpacked: UnpackedLayer | undefined;
    try {
      const { prepared, report } = await step('pull-image/layer', async () => {
        unpacked = await this.#turn(descriptor.digest, () => pullLayer(work));
        return unpacked;
      });
      if (index > 0) await this.#layer(stack, index - 1, { signal });
      const lowers = stack.chain.slice(0, index).reverse();
      const settled = await step('pull-image/settle', () =>
        settleUnpacked(this.#context, prepared, lowers, report.pending, signal),
      );
      const usedBytes = report.usedBytes + settled.addedBytes;
      const inodes = report.inodes + settled.addedInodes;
      await step('pull-image/commit', async () => {
        // Given up meanwhile: its image may have been pulled by another, and removed, which sweeps only what is there.
        checkSignal(signal, descriptor.digest);
        await layers.commit(prepared, { chainId, diffId, usedBytes, inodes });
      });
    } catch (error) {
      const left = unpacked?.prepared;
      if (left !== undefined) await step('pull-image/discard', () => layers.discard(left));
      throw error;
    }
  }

  /** One writer per blob, and so many layers at a time in all. */
  async #turn<T>(digest: string, work: () => Promise<T>): Promise<T> {
    const { blobWork, slots } = this.#context;
    const own = blobWork.get(digest) ?? new Semaphore(1);
    blobWork.set(digest, own);
    try {
      return await own.run(() => slots.run(work));
    } finally {
      if (own.idle) blobWork.delete(digest);
    }
  }

  #record({ named, body, manifest }: ResolvedImage, stack: Stack, run: CatalogImage['run']): CatalogImage {
    const { digest, mediaType, size, platform } = body.descriptor;
    // As containerd has it: with a digest in the reference, its tag is only a comment.
    const tag = this.#reference.digest === undefined ? tagReference(this.#reference) : undefined;
    return {
      id: manifest.config.digest,
      tags: tag === undefined ? [] : [tag],
      digests: [`${repositoryName(this.#reference)}@${named}`],
      manifest: { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) },
      layers: stack.layers,
      chain: stack.chain,
      size: size + manifest.config.size + stack.layers.reduce((sum, layer) => sum + layer.size, 0),
      run,
      annotations: manifest.annotations,
    };
  }
}

/** Adds the layers' progress up; at most twenty reports a second. */
class Meter {
  readonly #bytes: number[];
  readonly #sizes: readonly number[];
  readonly #publish: (progress: PullProgress) => void;
  #done = 0;
  #last = 0;

  constructor(layers: readonly Descriptor[], publish: (progress: PullProgress) => void) {
    this.#sizes = layers.map((layer) => layer.size);
    this.#bytes = layers.map(() => 0);
    this.#publish = publish;
    this.#report();
  }

  bytes(index: number, bytes: number): void {
    this.#bytes[index] = bytes;
    if (performance.now() - this.#last >= 50) this.#report();
  }

  done(index: number): void {
    this.#done++;
    this.#bytes[index] = this.#sizes[index] ?? 0;
    this.#report();
  }

  #report(): void {
    this.#last = performance.now();
    const downloaded = this.#bytes.reduce((sum, bytes) => sum + bytes, 0);
    const total = this.#sizes.reduce((sum, size) => sum + size, 0);
    const phase = downloaded < total ? 'download' : 'unpack';
    this.#publish({ phase, downloaded, total, layers: this.#sizes.length, layersDone: this.#done });
  }
}
