/** From what a reference names to the manifest of this platform, through an index or several in each other. */

import { CribError } from '../errors.js';
import { type ImageManifest, type JsonObject, parseIndex, parseManifest } from './manifest.js';
import { repositoryName } from './reference.js';
import { choosePlatform, type Platform } from './registry/platform.js';
import type { ManifestBody, Reference, RegistrySession } from './registry-types.js';

export interface ResolvedImage {
  /** Digest of what the reference names: an index or a manifest. */
  readonly named: string;
  readonly body: ManifestBody;
  readonly manifest: ImageManifest;
  /** An index has it, and does not say for what platform. */
  readonly unspecified: boolean;
}

/** Indexes in an index, which tools make by adding one to another. */
const MAX_DEPTH = 4;

/** Throws DATA_LOSS for another digest than was asked for, NOT_FOUND for no such platform, and what manifest.ts throws. */
export async function resolveImage(
  session: RegistrySession,
  reference: Reference,
  platform: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const { tag, digest } = reference;
  const top = await session.manifest(digest ?? tag ?? 'latest', signal);
  const named = top.descriptor.digest;
  if (digest !== undefined && named !== digest) {
    throw new CribError('DATA_LOSS', `pull ${repositoryName(reference)}@${digest}: the registry sent ${named}`);
  }
  let body = top;
  for (let depth = 0; ; depth++) {
    const manifests = parseIndex(body.descriptor.mediaType, body.body);
    if (manifests === undefined) break;
    if (depth === MAX_DEPTH) {
      throw new CribError('INVALID_ARGUMENT', `pull an image: more than ${MAX_DEPTH} indexes lie in each other`);
    }
    const chosen = choosePlatform(manifests, platform);
    const next = await session.manifest(chosen.digest, signal);
    body = { ...next, descriptor: { ...chosen, ...next.descriptor, digest: chosen.digest } };
  }
  const manifest = parseManifest(body.descriptor.mediaType, body.body);
  return { named, body, manifest, unspecified: body !== top && body.descriptor.platform === undefined };
}

/**
 * What an index does not say, the image's configuration does: throws NOT_FOUND for another platform. An image without an
 * index is taken whatever it says, as by containerd: many say it wrong, and an emulator may be there; `warn` hears of it.
 */
export function checkPlatform(
  config: JsonObject,
  { named, unspecified }: ResolvedImage,
  wanted: Platform,
  warn: (facts: object, message: string) => void,
): void {
  const { os, architecture } = config;
  if (typeof os !== 'string' || typeof architecture !== 'string' || os === '' || architecture === '') return;
  try {
    choosePlatform([{ mediaType: '', digest: named, size: 0, platform: { os, architecture } }], wanted);
  } catch (error) {
    if (unspecified) throw error;
    warn({ platform: `${os}/${architecture}` }, 'a pulled image says that it is for another platform');
  }
}
