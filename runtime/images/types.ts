/** The contract of the image store: what the rest of crib may ask of images. */

/** CRI AuthConfig: at most one of the forms is used, in the order registryToken, identityToken, auth, username. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  /** base64 of `user:password`. */
  readonly auth: string;
  readonly serverAddress: string;
  readonly identityToken: string;
  readonly registryToken: string;
}

/** The part of an OCI image configuration that running a container needs (image-spec config.md). */
export interface ImageRunConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Paths that the image declares as volumes. */
  readonly volumes: readonly string[];
}

export interface ImageRecord {
  /** Digest of the image's configuration, `sha256:…`. */
  readonly id: string;
  /** Normalised references with a tag: `docker.io/library/busybox:latest`. */
  readonly tags: readonly string[];
  /** Normalised references with a digest: `docker.io/library/busybox@sha256:…`. */
  readonly digests: readonly string[];
  /** Bytes of configuration, manifest and compressed layers. */
  readonly size: number;
  readonly pinned: boolean;
  readonly run: ImageRunConfig;
  /** Chain ids of the unpacked layers, lowest first (image-spec config.md, "Layer ChainID"). */
  readonly chain: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Progress of one pull; sizes in bytes. `total` is the sum of the layers' compressed sizes. */
export interface PullProgress {
  readonly phase: 'resolve' | 'download' | 'unpack' | 'done';
  readonly downloaded: number;
  readonly total: number;
  readonly layers: number;
  readonly layersDone: number;
}

export interface PullOptions {
  readonly auth?: RegistryAuth;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface FilesystemUsage {
  /** Nanoseconds since the epoch. */
  readonly timestamp: bigint;
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface ImageStore {
  /** Reads the store and removes what a killed pull left. */
  open(): Promise<void>;
  close(): Promise<void>;
  /**
   * Pulls and unpacks. Two pulls of one reference at a time do the work once; each caller's own `signal` only ends
   * the work when no other caller waits for it. Returns the image.
   */
  pull(reference: string, options: PullOptions): Promise<ImageRecord>;
  list(): readonly ImageRecord[];
  /** By tag, digest reference, id, or unambiguous prefix of an id (as crictl gives). */
  find(referenceOrId: string): ImageRecord | undefined;
  /**
   * Removes the image with all its names, whichever of them is given (CRI, RemoveImage). Layers that `layersInUse` names stay until a later sweep. Removing what is not there is no error.
   */
  remove(referenceOrId: string): Promise<void>;
  /** Absolute directories of the layers' content, lowest first, ready to be overlay lower directories. */
  layerPaths(chain: readonly string[]): string[];
  usage(): Promise<FilesystemUsage>;
}
