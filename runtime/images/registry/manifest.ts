/** Manifests and indexes: asked for, measured, and checked before anybody trusts them. */

import { createHash } from 'node:crypto';
import { isDigest } from '../reference.js';
import type { ManifestBody } from '../registry-types.js';
import { readBody } from './body.js';
import type { Endpoint } from './endpoint.js';
import type { Exchange } from './exchange.js';
import { RegistryFailure } from './failure.js';

/** The bound of the OCI distribution spec ("Pushing Manifests"), and containerd's. */
export const MAX_MANIFEST = 4 * 1024 * 1024;

export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const;

const ACCEPT: readonly string[] = Object.values(MEDIA_TYPES);
const INDEXES: readonly string[] = [MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerList];

/** One attempt at one endpoint. Throws DATA_LOSS when the bytes are not those of the digest. */
export async function fetchManifest(
  exchange: Exchange,
  endpoint: Endpoint,
  repository: string,
  tagOrDigest: string,
  stallMs: number,
  signal: AbortSignal,
): Promise<ManifestBody> {
  const verified = isDigest(tagOrDigest);
  const question = { path: `/${repository}/manifests/${tagOrDigest}`, accept: ACCEPT, verified };
  const { response, what } = await exchange.ask(endpoint, question, signal);
  const body = await readBody(what, response, MAX_MANIFEST, stallMs);
  if (body === undefined)
    throw new RegistryFailure('RESOURCE_EXHAUSTED', `${what}: the manifest is larger than ${MAX_MANIFEST} bytes`);

  const digest = verified ? tagOrDigest : digestOf('sha256', body);
  checkDigest(what, digest, body);
  // An answer to a tag proves nothing by itself, but a registry that contradicts itself was garbled on the way.
  const claimed = response.headers['docker-content-digest'];
  if (!verified && typeof claimed === 'string' && isDigest(claimed)) checkDigest(what, claimed, body);
  const mediaType = mediaTypeOf(what, response.headers['content-type'], body);
  return { descriptor: { mediaType, digest, size: body.length }, body };
}

function digestOf(algorithm: string, body: Buffer): string {
  return `${algorithm}:${createHash(algorithm).update(body).digest('hex')}`;
}

function checkDigest(what: string, digest: string, body: Buffer): void {
  const actual = digestOf(digest.slice(0, digest.indexOf(':')), body);
  if (actual === digest) return;
  throw new RegistryFailure('DATA_LOSS', `${what}: the manifest's digest is ${actual}, not ${digest}`, {
    retryable: true,
  });
}

/**
 * What the body is. It must not be readable in two ways (CVE-2021-41190): its own mediaType, the Content-Type and the
 * fields it has must agree on index or manifest.
 */
function mediaTypeOf(what: string, contentType: string | undefined, body: Buffer): string {
  const fields = jsonObject(what, body);
  const header = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  // Go writes a field that is not set as "", and an empty list as null.
  const inside = fields.mediaType === '' || fields.mediaType === null ? undefined : fields.mediaType;
  if (fields.schemaVersion === 1 || /docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(header)) {
    throw new RegistryFailure(
      'UNIMPLEMENTED',
      `${what}: the image has a Docker schema 1 manifest, which is obsolete; build it again or push it with a current tool`,
    );
  }
  const isIndex = Array.isArray(fields.manifests);
  const isManifest = Array.isArray(fields.layers) || (fields.config !== undefined && fields.config !== null);
  if (isIndex === isManifest)
    throw unusable(what, isIndex ? 'it is both an index and a manifest' : 'it is neither an index nor a manifest');
  if (inside !== undefined && (typeof inside !== 'string' || !ACCEPT.includes(inside))) {
    throw unusable(what, 'its mediaType is no image manifest or index');
  }
  const fallback = isIndex ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
  const mediaType = typeof inside === 'string' ? inside : ACCEPT.includes(header) ? header : fallback;
  for (const claim of [mediaType, ...(ACCEPT.includes(header) ? [header] : [])]) {
    if (INDEXES.includes(claim) !== isIndex) throw unusable(what, `it is called ${claim} but is not one`);
  }
  return mediaType;
}

function jsonObject(what: string, body: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // The reason would quote the body; what it is not is enough.
  }
  throw unusable(what, 'it is not a JSON object');
}

function unusable(what: string, reason: string): RegistryFailure {
  return new RegistryFailure('DATA_LOSS', `${what}: the manifest is unusable: ${reason}`);
}
