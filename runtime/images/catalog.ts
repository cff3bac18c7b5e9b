/** What images there are and what they are called: one durable file, the only source of truth of the store. */

import fs from 'node:fs/promises';
import { discardUnfinished, replaceFile } from '../durable-file.js';
import { CribError, messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import type { Log } from '../log.js';
import { isObject } from './manifest.js';
import { parseReference, repositoryName } from './reference.js';
import type { Descriptor } from './registry-types.js';
import type { ImageRunConfig } from './types.js';

export interface CatalogImage {
  /** Digest of the configuration. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `name@digest`; the digest is that of the manifest or index that was asked for. */
  readonly digests: readonly string[];
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly chain: readonly string[];
  readonly size: number;
  readonly run: ImageRunConfig;
  readonly annotations: Readonly<Record<string, string>>;
  /** `BOOT-ID NUMBER` while the disk may not have all of it: trusted in that boot only. */
  readonly unwritten?: string;
}

const VERSION = 1;

export class Catalog {
  readonly #file: string;
  readonly #log: Log;
  #images = new Map<string, CatalogImage>();

  constructor(file: string, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Reads the file; one that is not crib's is set aside, so that images are pulled anew rather than guessed at. What a
   * `kill -9` left of a save goes.
   */
  async load(): Promise<void> {
    await discardUnfinished(this.#file);
    let content: string;
    try {
      content = await fs.readFile(this.#file, 'utf8');
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return;
      throw error;
    }
    try {
      this.#images = new Map(parse(content).map((image) => [image.id, image]));
    } catch (error) {
      const aside = `${this.#file}.broken-${Date.now()}`;
      await fs.rename(this.#file, aside);
      this.#log.warn({ file: this.#file, aside, error: messageOf(error) }, 'the list of images is damaged; set aside');
    }
  }

  get images(): readonly CatalogImage[] {
    return [...this.#images.values()];
  }

  get(id: string): CatalogImage | undefined {
    return this.#images.get(id);
  }

  /** Replaces the list, durably. It is in force when this returns, and not before. */
  async save(images: readonly CatalogImage[]): Promise<void> {
    await replaceFile(this.#file, `${JSON.stringify({ version: VERSION, images }, null, 1)}\n`, true);
    this.#images = new Map(images.map((image) => [image.id, image]));
  }

  /** By tag, digest reference, id or prefix of one. Throws INVALID_ARGUMENT for a prefix of several ids. */
  find(wanted: string): CatalogImage | undefined {
    const byId = this.#images.get(wanted) ?? this.#images.get(`sha256:${wanted}`);
    return byId ?? this.#byReference(wanted) ?? this.#byPrefix(wanted);
  }

  #byReference(wanted: string): CatalogImage | undefined {
    const name = nameOf(wanted);
    if (name === undefined) return undefined;
    return this.images.find((image) => image.tags.includes(name) || image.digests.includes(name));
  }

  #byPrefix(wanted: string): CatalogImage | undefined {
    const hex = wanted.startsWith('sha256:') ? wanted.slice(7) : wanted;
    if (!/^[0-9a-f]{1,64}$/.test(hex)) return undefined;
    const matches = this.images.filter((image) => image.id.startsWith(`sha256:${hex}`));
    if (matches.length <= 1) return matches[0];
    throw new CribError(
      'INVALID_ARGUMENT',
      `find image "${wanted}": ${matches.length} ids begin like that; give more of it`,
    );
  }
}

/** The normalised name that a reference gives an image: by digest where it has one, else by tag. */
export function nameOf(reference: string): string | undefined {
  try {
    const parsed = parseReference(reference);
    const repository = repositoryName(parsed);
    return parsed.digest === undefined ? `${repository}:${parsed.tag}` : `${repository}@${parsed.digest}`;
  } catch {
    return undefined;
  }
}

/** The list with `added` in it: its names are no longer those of any other image. */
export function withImage(images: readonly CatalogImage[], added: CatalogImage): CatalogImage[] {
  const old = images.find((image) => image.id === added.id);
  const merged: CatalogImage = {
    ...added,
    tags: union(old?.tags, added.tags),
    digests: union(old?.digests, added.digests),
  };
  const others = images
    .filter((image) => image.id !== added.id)
    .map((image) => ({ ...image, tags: image.tags.filter((tag) => !added.tags.includes(tag)) }));
  return [...others, merged];
}

/** The list without those marks of `unwritten`; a later one of the same image stays. */
export function withoutMarks(images: readonly CatalogImage[], marks: ReadonlySet<string>): CatalogImage[] {
  return images.map(({ unwritten, ...image }) =>
    unwritten === undefined || marks.has(unwritten) ? image : { ...image, unwritten },
  );
}

function union(one: readonly string[] = [], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])].sort();
}

function parse(content: string): CatalogImage[] {
  const value: unknown = JSON.parse(content);
  if (!isObject(value) || value.version !== VERSION || !Array.isArray(value.images)) throw new Error('unknown format');
  return value.images.map((image: unknown) => {
    const lists = ['tags', 'digests', 'layers', 'chain'];
    const whole = isObject(image) && typeof image.id === 'string' && typeof image.size === 'number';
    if (
      !whole ||
      !isObject(image.manifest) ||
      !isObject(image.run) ||
      !lists.every((key) => Array.isArray(image[key]))
    ) {
      throw new Error('an image record is incomplete');
    }
    return image as unknown as CatalogImage;
  });
}
