/** Pushes built images to a registry on loopback by the distribution API (OCI distribution-spec, "Push"). */
import type { Blob, BuiltImage } from './images.js';

const TIMEOUT_MS = 120_000;

/** What the registry in use wants of its clients. `address` is `host:port`. */
export interface PushTarget {
  readonly address: string;
  readonly scheme?: 'http' | 'https';
  /** Value of the Authorization header. */
  readonly authorization?: string;
}

/**
 * Pushes an image (or an index with its images) under each tag; without a tag it is there by digest only.
 * Returns the digest of the manifest.
 */
export async function pushImage(
  target: PushTarget | string,
  repository: string,
  tags: string | readonly string[],
  image: BuiltImage,
): Promise<string> {
  const to = typeof target === 'string' ? { address: target } : target;
  for (const child of image.children) await pushImage(to, repository, [], child);
  for (const item of image.blobs) await pushBlob(to, repository, item);
  const names = typeof tags === 'string' ? [tags] : tags;
  for (const name of names.length === 0 ? [image.manifest.digest] : names) {
    const url = `${base(to)}/v2/${repository}/manifests/${name}`;
    const headers = { 'content-type': image.manifest.mediaType };
    await request(to, url, { method: 'PUT', headers, body: image.manifest.bytes }, [201]);
  }
  return image.manifest.digest;
}

async function pushBlob(to: PushTarget, repository: string, item: Blob): Promise<void> {
  const blobs = `${base(to)}/v2/${repository}/blobs`;
  const head = await request(to, `${blobs}/${item.digest}`, { method: 'HEAD' }, [200, 404]);
  if (head.status === 200) return;
  const started = await request(to, `${blobs}/uploads/`, { method: 'POST' }, [202]);
  const url = new URL(started.headers.get('location') ?? '', base(to));
  url.searchParams.set('digest', item.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await request(to, url.href, { method: 'PUT', headers, body: item.bytes }, [201]);
}

async function request(to: PushTarget, url: string, init: RequestInit, expected: number[]): Promise<Response> {
  const headers = new Headers(init.headers);
  if (to.authorization !== undefined) headers.set('authorization', to.authorization);
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = await response.text();
  if (expected.includes(response.status)) return response;
  throw new Error(`${init.method} ${url} was answered with ${response.status}: ${body.slice(0, 500)}`);
}

function base(to: PushTarget): string {
  return `${to.scheme ?? 'http'}://${to.address}`;
}
