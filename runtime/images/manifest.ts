/** Image manifests, indexes and configurations (OCI image-spec; Docker schema 2), checked before anything is believed. */

import crypto from 'node:crypto';
import { CribError } from '../errors.js';
import type { Descriptor } from './registry-types.js';

const MANIFESTS = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]);
const INDEXES = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
/** The last is what Docker wrote for registries that knew no other. */
const CONFIGS = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
]);
/** Those that were not to be distributed are, where somebody has pushed them all the same: nothing else is different. */
const LAYERS =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.(?:gzip|zstd))?)$/;

/** The kernel takes no more lower directories (fs/overlayfs, OVL_MAX_STACK). */
const MAX_LAYERS = 500;
const MAX_CONFIG = 4 << 20;
const SHA256 = /^sha256:[0-9a-f]{64}$/;

export interface ImageManifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(what: string, detail: string): CribError {
  return new CribError('INVALID_ARGUMENT', `read ${what}: ${detail}; the image must be built anew`);
}

/** Parses JSON that must be an object. Throws INVALID_ARGUMENT. */
export function parseObject(body: Buffer, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw bad(what, error instanceof Error ? error.message : 'it is not JSON');
  }
  if (!isObject(value)) throw bad(what, 'it is not a JSON object');
  return value;
}

/**
 * The manifests of an index; undefined when the media type is not one. What is odd among them, as a digest of another kind,
 * is left out where there are others: it may be for a platform or of a kind that nobody here asks for.
 */
export function parseIndex(mediaType: string, body: Buffer): Descriptor[] | undefined {
  const value = parseObject(body, 'the image index');
  if (!INDEXES.has(typeOf(mediaType, value))) return undefined;
  if (!Array.isArray(value.manifests)) throw bad('the image index', 'it has no manifests');
  const entries: readonly unknown[] = value.manifests;
  const sound = entries.filter(
    (entry) => isObject(entry) && typeof entry.digest === 'string' && SHA256.test(entry.digest),
  );
  return (sound.length > 0 ? sound : entries).map((entry) => parseDescriptor(entry, 'the image index'));
}

/** Throws INVALID_ARGUMENT for what is malformed, UNIMPLEMENTED for kinds of content that crib does not run. */
export function parseManifest(mediaType: string, body: Buffer): ImageManifest {
  const what = 'the image manifest';
  const value = parseObject(body, what);
  const type = typeOf(mediaType, value);
  if (!MANIFESTS.has(type)) {
    throw new CribError(
      'UNIMPLEMENTED',
      `pull an image: its manifest is of type "${type}", which is not supported; OCI and Docker schema 2 are`,
    );
  }
  const config = parseDescriptor(value.config, what);
  if (!CONFIGS.has(config.mediaType)) {
    throw new CribError(
      'UNIMPLEMENTED',
      `pull an image: its configuration is of type "${config.mediaType}": it is an artifact and not a container image`,
    );
  }
  if (config.size > MAX_CONFIG)
    throw bad(what, `its configuration of ${config.size} bytes is over the limit of ${MAX_CONFIG}`);
  const list: unknown = value.layers ?? [];
  if (!Array.isArray(list)) throw bad(what, 'its layers are no list');
  if (list.length > MAX_LAYERS) throw bad(what, `it has more than ${MAX_LAYERS} layers`);
  const layers = list.map((entry: unknown) => parseDescriptor(entry, what));
  for (const layer of layers) checkLayer(layer);
  return { config, layers, annotations: stringMap(value.annotations) };
}

function typeOf(mediaType: string, value: JsonObject): string {
  const declared = value.mediaType;
  const type = mediaType.split(';')[0]?.trim() ?? '';
  if (MANIFESTS.has(type) || INDEXES.has(type)) return type;
  return typeof declared === 'string' && declared !== '' ? declared : type;
}

function checkLayer({ mediaType, digest }: Descriptor): void {
  if (LAYERS.test(mediaType)) return;
  const why = 'this type is not supported';
  throw new CribError('UNIMPLEMENTED', `pull an image: layer ${digest} is of type "${mediaType}": ${why}`);
}

function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw bad(what, 'a descriptor is missing');
  const { mediaType, digest, size, platform } = value;
  if (typeof mediaType !== 'string') throw bad(what, 'a descriptor has no media type');
  if (typeof digest !== 'string' || !SHA256.test(digest)) throw bad(what, 'a descriptor has no sha256 digest');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw bad(what, `the size of ${digest} is not a size`);
  return { mediaType, digest, size, annotations: stringMap(value.annotations), ...platformOf(platform) };
}

function platformOf(value: unknown): Pick<Descriptor, 'platform'> {
  if (!isObject(value)) return {};
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string') return {};
  return { platform: { os, architecture, ...(typeof variant === 'string' ? { variant } : {}) } };
}

/** The string entries of a JSON object. */
export function stringMap(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The uncompressed digests of a configuration, one per layer of the manifest. Throws INVALID_ARGUMENT. */
export function diffIdsOf(config: JsonObject, layers: number): string[] {
  const what = 'the image configuration';
  const rootfs = config.rootfs;
  const list: unknown = (isObject(rootfs) ? rootfs.diff_ids : undefined) ?? [];
  if (!Array.isArray(list) || list.length !== layers)
    throw bad(what, `it does not name ${layers} layers as the manifest does`);
  return list.map((entry: unknown) => {
    if (typeof entry !== 'string' || !SHA256.test(entry)) throw bad(what, 'a layer has no sha256 diff id');
    return entry;
  });
}

/** image-spec config.md, "Layer ChainID": what a stack of layers is called, lowest first. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}

export function sha256(bytes: string | Buffer): string {
  return `sha256:${crypto.createHash('sha256').update(bytes).digest('hex')}`;
}
