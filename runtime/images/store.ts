/**
 * The image store: images by name, their blobs as an OCI image layout, their layers unpacked for overlayfs.
 *
 *   <root>/images/   oci-layout, index.json, blobs/sha256/…   readable by other tools
 *                    images.json   what there is and what it is called: the source of truth
 *                    ingest/       blobs that are not complete
 *   <root>/layers/   unpacked layers (layers.ts)
 *
 * An image is in images.json only when all of it has been written, and goes from there before any of it is removed. It
 * is marked there until the disk has it, so that after a power cut it is pulled anew (docs/adr/011).
 */

import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory, replaceFile } from '../durable-file.js';
import { attempting, CribError, messageOf } from '../errors.js';
import { tryLock } from '../linux/files.js';
import { bootId } from '../linux/processes.js';
import type { Log } from '../log.js';
import { Semaphore } from '../semaphore.js';
import { Serial } from '../serial.js';
import { step } from '../steps.js';
import { BlobStore } from './blobs.js';
import { Catalog, type CatalogImage, nameOf, withImage, withoutMarks } from './catalog.js';
import { syncFilesystemOf } from './disk.js';
import { Holds } from './holds.js';
import { ImagePull, type PullContext } from './image-pull.js';
import type { LayerLimits } from './layer-pull.js';
import { LayerStore } from './layers.js';
import { indexOf, OCI_LAYOUT } from './layout.js';
import { formatReference, parseReference } from './reference.js';
import { hostPlatform, type Platform } from './registry/platform.js';
import type { RegistryClient } from './registry-types.js';
import { SharedWork } from './shared-work.js';
import type { FilesystemUsage, ImageRecord, ImageStore, PullOptions, PullProgress, RegistryAuth } from './types.js';
import { UNPACKER_SCRIPT } from './unpacker-process.js';

export interface ImageStoreOptions {
  /** Absolute; `images` and `layers` are made in it. */
  readonly root: string;
  /** What `usage` calls the file system of the images. Default: `root`. */
  readonly filesystem?: string;
  readonly registry: RegistryClient;
  /** Chain ids that containers have in their root file systems. */
  readonly layersInUse: () => ReadonlySet<string>;
  /** References that the kubelet's garbage collection must leave alone. */
  readonly pinned: readonly string[];
  readonly limits?: Partial<LayerLimits>;
  readonly platform?: Platform;
  readonly log: Log;
  /** Where unpack/main.js is, when it is not beside this file. */
  readonly unpackerScript?: string;
}

const DEFAULT_LIMITS: LayerLimits = { maxLayerBytes: 64 * 2 ** 30, maxLayerEntries: 4_000_000, maxRatio: 2000 };
const LAYERS_AT_A_TIME = 4;

/** The store under `options.root`; call open() before anything else. */
export function createImageStore(options: ImageStoreOptions): ImageStore {
  return new Store(options);
}

class Store implements ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #directory: string;
  readonly #catalog: Catalog;
  readonly #context: PullContext;
  readonly #pinned: ReadonlySet<string>;
  readonly #pulls = new SharedWork<CatalogImage, PullProgress>();
  readonly #writer = new Serial();
  readonly #disk = new Serial();
  /** Tells credentials apart in keys without being reversible. */
  readonly #secret = crypto.randomBytes(16);
  #lock: fs.FileHandle | undefined;
  #boot = '';
  #marks = 0;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
    this.#directory = path.join(options.root, 'images');
    this.#catalog = new Catalog(path.join(this.#directory, 'images.json'), options.log);
    this.#pinned = new Set(options.pinned.map((name) => nameOf(name) ?? name));
    this.#context = {
      blobs: new BlobStore(this.#directory),
      layers: new LayerStore(path.join(options.root, 'layers'), options.log),
      holds: new Holds(),
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      platform: options.platform ?? hostPlatform(),
      unpackerScript: options.unpackerScript ?? UNPACKER_SCRIPT,
      layerWork: new SharedWork(),
      blobWork: new Map(),
      slots: new Semaphore(LAYERS_AT_A_TIME),
      log: options.log,
    };
  }

  async open(): Promise<void> {
    await makeDirectory(this.#directory, 0o700);
    await this.#takeLock();
    this.#boot = bootId();
    await this.#catalog.load();
    const known = this.#catalog.images;
    const images = known.filter((image) => this.#isTrusted(image));
    const chains = new Set(images.flatMap((image) => image.chain));
    const lost = new Set(known.filter((image) => !images.includes(image)).flatMap((image) => image.chain));
    const inUse = [...this.#options.layersInUse()].filter((chainId) => !lost.has(chainId));
    await this.#context.layers.open(new Set([...inUse, ...chains]), this.#boot);
    await this.#context.blobs.open(new Set(images.flatMap(digestsOf)));
    const whole = images.filter((image) => this.#isWhole(image));
    if (whole.length < known.length) await this.#catalog.save(whole);
    await fs.writeFile(path.join(this.#directory, 'oci-layout'), OCI_LAYOUT);
    await this.#writeIndex();
    this.#writeOutBehind();
  }

  async close(): Promise<void> {
    await this.#pulls.close();
    await this.#context.layerWork.close();
    await this.#disk.run(async () => undefined);
    await this.#writer.run(async () => undefined);
    await this.#lock?.close();
    this.#lock = undefined;
  }

  async pull(reference: string, options: PullOptions): Promise<ImageRecord> {
    const parsed = parseReference(reference);
    const name = formatReference(parsed);
    const waiter = { signal: options.signal, onProgress: options.onProgress };
    const image = await this.#pulls.join(
      `pull ${name}${this.#keyOf(options.auth)}`,
      waiter,
      async (signal, publish) => {
        const session = this.#options.registry.session(parsed, options.auth);
        const pull = new ImagePull(this.#context, session, parsed, signal, publish);
        try {
          const result = await pull.run((pulled) => this.#register(pulled, signal));
          const { size, layers } = result;
          publish({ phase: 'done', downloaded: size, total: size, layers: layers.length, layersDone: layers.length });
          return result;
        } catch (error) {
          throw pullFailure(name, this.#options.root, error);
        }
      },
    );
    return this.#recordOf(this.#catalog.get(image.id) ?? image);
  }

  list(): readonly ImageRecord[] {
    return this.#catalog.images.map((image) => this.#recordOf(image));
  }

  find(referenceOrId: string): ImageRecord | undefined {
    const image = this.#catalog.find(referenceOrId);
    return image === undefined ? undefined : this.#recordOf(image);
  }

  async remove(referenceOrId: string): Promise<void> {
    // Containers may go on with its layers, and nothing but its mark would tell that these are not on the disk yet.
    if (this.#catalog.find(referenceOrId)?.unwritten !== undefined) await this.#disk.run(() => this.#writeOut());
    return this.#writer.run(async () => {
      const image = this.#catalog.find(referenceOrId);
      if (image !== undefined) {
        await this.#catalog.save(this.#catalog.images.filter(({ id }) => id !== image.id));
        await this.#writeIndex();
      }
      await this.#sweep();
    });
  }

  layerPaths(chain: readonly string[]): string[] {
    return chain.map((chainId) => this.#context.layers.contentOf(chainId));
  }

  async usage(): Promise<FilesystemUsage> {
    const blobs = this.#context.blobs.totals;
    let usedBytes = blobs.bytes;
    let inodesUsed = blobs.count;
    for (const layer of this.#context.layers.all) {
      usedBytes += layer.usedBytes;
      inodesUsed += layer.inodes;
    }
    const { root, filesystem: mountpoint = root } = this.#options;
    return { timestamp: BigInt(Date.now()) * 1_000_000n, mountpoint, usedBytes, inodesUsed };
  }

  /** All of the image survives kill -9 before its name is there, and a power cut soon after. */
  #register(image: CatalogImage, signal: AbortSignal): Promise<CatalogImage> {
    return this.#writer.run(async () => {
      if (signal.aborted) throw new CribError('CANCELLED', 'cancelled before it was registered');
      const unwritten = `${this.#boot} ${this.#marks++}`;
      const images = withImage(this.#catalog.images, { ...image, unwritten });
      await step('pull-image/register', () => this.#catalog.save(images));
      await step('pull-image/index', () => this.#writeIndex());
      this.#writeOutBehind();
      return image;
    });
  }

  /** What fails is tried again with the next image, or at the next start. */
  #writeOutBehind(): void {
    this.#disk
      .run(() => step('pull-image/write-out', () => this.#writeOut()))
      .catch((error: unknown) => {
        this.#options.log.error({ error: messageOf(error) }, 'pulled images may be lost in a power cut');
      });
  }

  /** Writes to disk what is registered now, and takes the marks away. To be called within `#disk`. */
  async #writeOut(): Promise<void> {
    const marks = new Set(this.#catalog.images.flatMap(({ unwritten }) => (unwritten === undefined ? [] : unwritten)));
    if (marks.size === 0) return;
    await syncFilesystemOf(this.#directory);
    await syncFilesystemOf(this.#context.layers.root);
    await this.#writer.run(() => this.#catalog.save(withoutMarks(this.#catalog.images, marks)));
  }

  async #sweep(): Promise<void> {
    const images = this.#catalog.images;
    const { holds, blobs, layers } = this.#context;
    const chains = new Set(images.flatMap((image) => image.chain));
    const digests = new Set(images.flatMap(digestsOf));
    const inUse = this.#options.layersInUse();
    blobs.sweep((digest) => digests.has(digest) || holds.has(digest));
    await layers.sweep((chainId) => chains.has(chainId) || inUse.has(chainId) || holds.has(chainId));
  }

  #isTrusted(image: CatalogImage): boolean {
    if (image.unwritten === undefined || image.unwritten.startsWith(`${this.#boot} `)) return true;
    this.#options.log.warn(
      { image: image.id, tags: image.tags },
      'the machine went down before the disk had all of the image; pull it again',
    );
    return false;
  }

  #isWhole(image: CatalogImage): boolean {
    const missing = image.chain.find((chainId) => this.#context.layers.get(chainId) === undefined);
    if (missing === undefined) return true;
    this.#options.log.warn(
      { image: image.id, tags: image.tags, layer: missing },
      'a layer of the image is gone; pull it again',
    );
    return false;
  }

  #recordOf(image: CatalogImage): ImageRecord {
    const { id, tags, digests, size, run, chain, annotations } = image;
    const pinned = [...tags, ...digests].some((name) => this.#pinned.has(name));
    return { id, tags, digests, size, pinned, run, chain, annotations };
  }

  #keyOf(auth: RegistryAuth | undefined): string {
    if (auth === undefined) return '';
    const mark = crypto.createHmac('sha256', this.#secret).update(JSON.stringify(auth)).digest('hex').slice(0, 8);
    return ` (credentials ${mark})`;
  }

  async #writeIndex(): Promise<void> {
    await replaceFile(path.join(this.#directory, 'index.json'), indexOf(this.#catalog.images), true);
  }

  async #takeLock(): Promise<void> {
    const handle = await fs.open(path.join(this.#directory, 'lock'), 'w', 0o600);
    this.#lock = handle;
    if (tryLock(handle.fd)) return;
    this.#lock = undefined;
    await handle.close();
    throw new CribError(
      'FAILED_PRECONDITION',
      `open the image store ${this.#directory}: another process has it open; give each its own --root`,
    );
  }
}

function digestsOf(image: CatalogImage): string[] {
  return [image.id, image.manifest.digest, ...image.layers.map((layer) => layer.digest)];
}

/** Of a full disk the failed call says neither which one nor what to do. */
function pullFailure(name: string, root: string, error: unknown): CribError {
  const full = /\b(ENOSPC|EDQUOT)\b/.test(messageOf(error));
  const where = full ? `: no space left on the file system of ${root}; free some, as with crib rmi` : '';
  return attempting(`pull ${name}${where}`, error);
}
