/** Builds container images in memory, for tests, the demo and the benchmarks: OCI or Docker schema 2, and indexes. */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { command } from './command.js';
import { type TarEntry, writeTar } from './images-tar.js';

export type ImageFormat = 'oci' | 'docker';
export type Compression = 'gzip' | 'zstd' | 'none';

/** The `config` object of an image configuration (image-spec config.md), in its own spelling. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
}

export interface ImageInput {
  /** The entries of each layer, lowest first. A Buffer is taken as an uncompressed tar. */
  readonly layers?: readonly (readonly TarEntry[] | Buffer)[];
  /** One layer with these entries. */
  readonly files?: readonly TarEntry[];
  /** One layer with the content of this host directory. */
  readonly rootfsDir?: string;
  readonly config?: ImageConfig;
  readonly format?: ImageFormat;
  readonly compression?: Compression;
  /** As GOARCH writes it. Default: this machine's. */
  readonly architecture?: string;
  readonly variant?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

/** A manifest or an index, with everything that must be in the registry before it. */
export interface BuiltImage {
  readonly manifest: Blob;
  readonly blobs: readonly Blob[];
  /** The manifests that an index names. */
  readonly children: readonly BuiltImage[];
  readonly architecture: string;
  readonly variant?: string;
  /** Digest of the configuration: the CRI's image id. Empty for an index. */
  readonly configDigest: string;
}

const MEDIA = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: {
      none: 'application/vnd.oci.image.layer.v1.tar',
      gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
      zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
    },
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: {
      none: 'application/vnd.docker.image.rootfs.diff.tar',
      gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
      zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
    },
  },
} as const;

const compressGzip = promisify(gzip);

/** This machine's architecture as image configurations write it. */
export function hostArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Builds one image. Equal input gives equal digests. */
export async function buildImage(input: ImageInput): Promise<BuiltImage> {
  const media = MEDIA[input.format ?? 'oci'];
  const compression = input.compression ?? 'gzip';
  const diffIds: string[] = [];
  const layers: Blob[] = [];
  for (const layer of await layersOf(input)) {
    const tar = Buffer.isBuffer(layer) ? layer : writeTar(layer);
    diffIds.push(sha256(tar));
    layers.push(blob(media.layer[compression], await compress(tar, compression)));
  }
  const architecture = input.architecture ?? hostArchitecture();
  const config = jsonBlob(media.config, {
    architecture,
    os: 'linux',
    ...(input.variant === undefined ? {} : { variant: input.variant }),
    created: '1970-01-01T00:00:00Z',
    config: input.config ?? {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'crib test' })),
  });
  const manifest = jsonBlob(media.manifest, {
    schemaVersion: 2,
    mediaType: media.manifest,
    config: descriptor(config),
    layers: layers.map(descriptor),
    ...(input.annotations === undefined ? {} : { annotations: input.annotations }),
  });
  return {
    manifest,
    blobs: [config, ...layers],
    children: [],
    architecture,
    configDigest: config.digest,
    ...(input.variant === undefined ? {} : { variant: input.variant }),
  };
}

/** Builds an image index (OCI) or a manifest list (Docker) over images already built. */
export function buildIndex(images: readonly BuiltImage[], format: ImageFormat = 'oci'): BuiltImage {
  const mediaType = MEDIA[format].index;
  const manifest = jsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    manifests: images.map((image) => ({
      ...descriptor(image.manifest),
      platform: {
        architecture: image.architecture,
        os: 'linux',
        ...(image.variant === undefined ? {} : { variant: image.variant }),
      },
    })),
  });
  return { manifest, blobs: [], children: images, architecture: '', configDigest: '' };
}

/** The entries of a host directory, with its hard links kept. Device nodes and sockets are left out. */
export async function entriesOfDirectory(root: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const seen = new Map<string, string>();
  const visit = async (directory: string): Promise<void> => {
    for (const name of (await readdir(directory)).sort()) {
      const path = join(directory, name);
      const entry = await entryOfFile(path, relative(root, path), seen);
      if (entry !== undefined) entries.push(entry);
      if (entry?.type === 'dir') await visit(path);
    }
  };
  await visit(root);
  return entries;
}

async function entryOfFile(source: string, path: string, seen: Map<string, string>): Promise<TarEntry | undefined> {
  const stat = await lstat(source);
  const common = { path, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  if (stat.isDirectory()) return { ...common, type: 'dir' };
  if (stat.isSymbolicLink()) return { ...common, type: 'symlink', target: await readlink(source) };
  if (!stat.isFile()) return undefined;
  const key = `${stat.dev}:${stat.ino}`;
  const first = seen.get(key);
  if (first !== undefined) return { ...common, type: 'hardlink', target: first };
  if (stat.nlink > 1) seen.set(key, path);
  return { ...common, type: 'file', content: await readFile(source) };
}

async function layersOf(input: ImageInput): Promise<readonly (readonly TarEntry[] | Buffer)[]> {
  const layers = [...(input.layers ?? [])];
  if (input.rootfsDir !== undefined) layers.push(await entriesOfDirectory(input.rootfsDir));
  if (input.files !== undefined) layers.push(input.files);
  return layers;
}

/** zstd comes from the command: Node 20's zlib has none. */
async function compress(tar: Buffer, compression: Compression): Promise<Buffer> {
  if (compression === 'none') return tar;
  if (compression === 'gzip') return compressGzip(tar);
  return command('zstd', ['-q', '-c'], { input: tar });
}

function blob(mediaType: string, bytes: Buffer): Blob {
  return { mediaType, digest: sha256(bytes), bytes };
}

function jsonBlob(mediaType: string, value: object): Blob {
  return blob(mediaType, Buffer.from(JSON.stringify(value)));
}

function descriptor(item: Blob): { mediaType: string; digest: string; size: number } {
  return { mediaType: item.mediaType, digest: item.digest, size: item.bytes.length };
}
