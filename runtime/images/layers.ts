/**
 * Unpacked layers, one directory each, named by the first 16 digits of the chain id: short, because all lower
 * directories of an overlay have to fit into one page of mount options.
 *
 *   layers/tmp-…/          being unpacked; removed at the next start
 *   layers/0123456789abcdef/layer.json, fs/
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import type { Log } from '../log.js';
import { removeTree } from '../remove-tree.js';
import { step } from '../steps.js';
import { isObject, parseObject } from './manifest.js';

export interface Layer {
  readonly chainId: string;
  readonly diffId: string;
  /** Disk space, estimated from whole blocks when it was unpacked. */
  readonly usedBytes: number;
  readonly inodes: number;
  /** Where it was unpacked: after a power cut, what no image was registered with is not trusted. */
  readonly bootId: string;
}

/** Time for which what a failed pull left may be used by the next one. */
const KEEP_UNREFERENCED_MS = 24 * 3600_000;

export class LayerStore {
  readonly root: string;
  readonly #log: Log;
  readonly #layers = new Map<string, Layer>();
  #bootId = '';
  #counter = 0;

  constructor(root: string, log: Log) {
    this.root = root;
    this.#log = log;
  }

  /** Reads what is there; what is unfinished or not trusted goes. `referenced` are the chain ids of images, `bootId` is now's. */
  async open(referenced: ReadonlySet<string>, bootId: string): Promise<void> {
    // 0700: a layer has set-uid programs and device nodes, which are nobody's on the host.
    await fs.promises.mkdir(this.root, { recursive: true, mode: 0o700 });
    await fs.promises.chmod(this.root, 0o700);
    this.#bootId = bootId;
    for (const name of await fs.promises.readdir(this.root)) {
      const layer = await this.#read(name);
      if (layer !== undefined && (referenced.has(layer.chainId) || this.#isFresh(name, layer))) {
        this.#layers.set(layer.chainId, layer);
      } else if (layer !== undefined || name.startsWith('tmp-')) {
        await this.#destroy(name).catch((error: unknown) =>
          this.#log.warn({ layer: name, error: messageOf(error) }, 'what an earlier pull left cannot be removed'),
        );
      }
    }
  }

  get(chainId: string): Layer | undefined {
    return this.#layers.get(chainId);
  }

  get all(): readonly Layer[] {
    return [...this.#layers.values()];
  }

  /** Absolute directory of the content. Throws NOT_FOUND. */
  contentOf(chainId: string): string {
    if (!this.#layers.has(chainId))
      throw new CribError('NOT_FOUND', `find layer ${chainId}: it is not unpacked here; pull its image`);
    return path.join(this.root, nameOf(chainId), 'fs');
  }

  /** A new directory to unpack into: its name, and the absolute path of its `fs`. */
  async prepare(): Promise<{ name: string; content: string }> {
    const name = `tmp-${process.pid}-${this.#counter++}`;
    const content = this.preparedContentOf(name);
    try {
      await fs.promises.mkdir(path.join(this.root, name), { mode: 0o700 });
      await step('pull-image/prepare', () => fs.promises.mkdir(content, { mode: 0o755 }));
    } catch (error) {
      await this.#destroy(name);
      throw error;
    }
    return { name, content };
  }

  /** Absolute path of the `fs` of a prepared directory. */
  preparedContentOf(prepared: string): string {
    return path.join(this.root, prepared, 'fs');
  }

  /** Makes a prepared directory the layer. Where a pull that was given up has made the same meanwhile, that one stays. */
  async commit(prepared: string, layer: Omit<Layer, 'bootId'>): Promise<void> {
    const whole: Layer = { ...layer, bootId: this.#bootId };
    const target = path.join(this.root, nameOf(layer.chainId));
    await fs.promises.writeFile(path.join(this.root, prepared, 'layer.json'), JSON.stringify(whole), { mode: 0o600 });
    try {
      await fs.promises.rename(path.join(this.root, prepared), target);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errnoName(error) ?? '')) throw error;
      await this.#destroy(prepared);
    }
    this.#layers.set(layer.chainId, whole);
  }

  /** Removes a prepared directory that will not be a layer. */
  async discard(prepared: string): Promise<void> {
    await this.#destroy(prepared);
  }

  /** Removes the layers that `keep` denies. It is asked and the layer renamed away in one turn of the event loop. */
  async sweep(keep: (chainId: string) => boolean): Promise<void> {
    const doomed: string[] = [];
    for (const { chainId } of this.all) {
      if (keep(chainId)) continue;
      const trash = `tmp-${process.pid}-${this.#counter++}`;
      fs.renameSync(path.join(this.root, nameOf(chainId)), path.join(this.root, trash));
      this.#layers.delete(chainId);
      doomed.push(trash);
    }
    for (const name of doomed) await this.#destroy(name);
  }

  async #destroy(name: string): Promise<void> {
    await removeTree(path.join(this.root, name)); // which no name of a layer is too long for
  }

  #isFresh(name: string, layer: Layer): boolean {
    if (layer.bootId !== this.#bootId) return false;
    return Date.now() - fs.statSync(path.join(this.root, name)).mtimeMs < KEEP_UNREFERENCED_MS;
  }

  /** undefined for what is not a layer of crib's: said once and left alone. */
  async #read(name: string): Promise<Layer | undefined> {
    if (name.startsWith('tmp-')) return undefined;
    try {
      const file = path.join(this.root, name, 'layer.json');
      const value = parseObject(await fs.promises.readFile(file), file);
      if (!isLayer(value) || nameOf(value.chainId) !== name) throw new Error('it is not the record of this layer');
      return value;
    } catch (error) {
      return this.#setAside(name, error);
    }
  }

  /** A layer without its record cannot be told from a foreign directory; out of the way it is pulled anew. */
  async #setAside(name: string, error: unknown): Promise<undefined> {
    if (/^[0-9a-f]{16}$/.test(name)) {
      await fs.promises.rename(path.join(this.root, name), path.join(this.root, `broken-${name}-${Date.now()}`));
    }
    this.#log.warn({ layer: name, error: messageOf(error) }, 'not a layer of crib; set aside');
    return undefined;
  }
}

function nameOf(chainId: string): string {
  return chainId.slice('sha256:'.length, 'sha256:'.length + 16);
}

function isLayer(value: unknown): value is Layer {
  if (!isObject(value)) return false;
  const texts = [value.chainId, value.diffId, value.bootId];
  const numbers = [value.usedBytes, value.inodes];
  return texts.every((entry) => typeof entry === 'string') && numbers.every((entry) => typeof entry === 'number');
}
