/** Images made in a test, and a RegistryClient that serves them out of memory. */

import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { CribError } from '../../../runtime/errors.js';
import { sha256 } from '../../../runtime/images/manifest.js';
import type {
  Descriptor,
  ManifestBody,
  Reference,
  RegistryClient,
  RegistrySession,
} from '../../../runtime/images/registry-types.js';

export interface LayerSource {
  readonly raw: Buffer;
  /** As it travels; default gzip of `raw`. */
  readonly blob?: Buffer;
  readonly mediaType?: string;
}

export interface MadeImage {
  readonly manifest: Buffer;
  readonly mediaType: string;
  readonly digest: string;
  readonly config: Buffer;
  readonly id: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly layers: readonly Descriptor[];
}

/** An OCI image of these layers. */
export function makeImage(
  sources: readonly LayerSource[],
  config: object = {},
  diffIds?: readonly string[],
): MadeImage {
  const blobs = new Map<string, Buffer>();
  const layers = sources.map(({ raw, blob = zlib.gzipSync(raw, { level: 1 }), mediaType }) => {
    blobs.set(sha256(blob), blob);
    return {
      mediaType: mediaType ?? 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: sha256(blob),
      size: blob.length,
    };
  });
  const image = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      config,
      rootfs: { type: 'layers', diff_ids: diffIds ?? sources.map(({ raw }) => sha256(raw)) },
    }),
  );
  blobs.set(sha256(image), image);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(image), size: image.length },
      layers,
    }),
  );
  return { manifest, mediaType, digest: sha256(manifest), config: image, id: sha256(image), blobs, layers };
}

export class MemoryRegistry implements RegistryClient {
  readonly manifests = new Map<string, { mediaType: string; body: Buffer }>();
  readonly blobs = new Map<string, Buffer>();
  /** Digest and offset of each blob request, in order. */
  readonly requests: { digest: string; offset: number }[] = [];
  manifestRequests = 0;
  /** Blobs that stop coming after so many bytes, until the caller goes away. */
  readonly stalls = new Map<string, number>();
  onStall: () => void = () => {};
  /** Awaited before each blob is sent. */
  gate: Promise<void> = Promise.resolve();

  /** Makes the image what `tag` names. */
  add(tag: string, image: MadeImage): void {
    for (const name of [tag, image.digest])
      this.manifests.set(name, { mediaType: image.mediaType, body: image.manifest });
    for (const [digest, blob] of image.blobs) this.blobs.set(digest, blob);
  }

  session(_reference: Reference): RegistrySession {
    return {
      manifest: (name) => this.#manifest(name),
      blob: (descriptor, offset, signal) => this.#blob(descriptor, offset, signal),
    };
  }

  async #manifest(name: string): Promise<ManifestBody> {
    this.manifestRequests++;
    const found = this.manifests.get(name);
    if (found === undefined) throw new CribError('NOT_FOUND', `no manifest ${name}`);
    const { mediaType, body } = found;
    return { descriptor: { mediaType, digest: sha256(body), size: body.length }, body };
  }

  async #blob({ digest }: Descriptor, offset: number, signal: AbortSignal): Promise<Readable> {
    this.requests.push({ digest, offset });
    const gate = this.gate;
    const body = this.blobs.get(digest);
    if (body === undefined) throw new CribError('NOT_FOUND', `no blob ${digest}`);
    const stall = this.stalls.get(digest) ?? Number.POSITIVE_INFINITY;
    const { onStall } = this;
    async function* chunks() {
      await Promise.race([gate, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
      for (let position = offset; position < (body?.length ?? 0); position += 65536) {
        signal.throwIfAborted();
        if (position >= stall) {
          onStall();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        }
        yield body?.subarray(position, position + 65536);
      }
    }
    return Readable.from(chunks());
  }
}
