/** The contract between the image store and the registry client. */

import type { Readable } from 'node:stream';
import type { RegistryAuth } from './types.js';

/** A normalised reference (distribution grammar): at least one of tag and digest is set. */
export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** `library/busybox`. */
  readonly path: string;
  readonly tag: string | undefined;
  /** `sha256:…`. */
  readonly digest: string | undefined;
}

/** OCI content descriptor, the part crib uses. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ManifestBody {
  readonly descriptor: Descriptor;
  /** The exact bytes whose digest is the descriptor's; verified. */
  readonly body: Buffer;
}

/** One session per pull: it remembers tokens and which mirror answered. */
export interface RegistrySession {
  /** By tag or digest; asks the mirrors of hosts.toml in order, then the registry itself. Bounded to 4 MiB. */
  manifest(tagOrDigest: string, signal: AbortSignal): Promise<ManifestBody>;
  /**
   * The blob's bytes from `offset` on. A broken connection is taken up again with a Range request, with back-off,
   * bounded; the stream fails when the size is wrong. The digest is verified by the reader of the whole.
   */
  blob(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<Readable>;
}

export interface RegistryClient {
  session(reference: Reference, auth: RegistryAuth | undefined): RegistrySession;
}
