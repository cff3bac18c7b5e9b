/**
 * What the image store and the unpacker process tell each other. The process is told what it is for by its argument. An
 * unpacker of layers gets each layer as a message with descriptors, hears on stdin how much of it is there, and answers
 * each by a line on stdout; an empty line says that it is at work. Settling has its input on stdin and answers once.
 */

import type { ErrorCode } from '../../errors.js';

/** Layers one after the other, until the socket of its messages (descriptor 3) is closed, or one is refused. */
export interface UnpackTask {
  readonly kind: 'unpack';
  readonly parentPid: number;
}

/**
 * One layer out of a tar stream (plain or gzip). With the message come two descriptors: an empty directory, as a mount of
 * its own in which the process locks itself, and what to read.
 */
export interface LayerTask {
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** No layer is below it. */
  readonly lowest: boolean;
  /** The second descriptor is a file that still grows, as Progress says, and not a stream that ends. */
  readonly grows: boolean;
}

/** A line on stdin, for layers that grow. Each takes the place of those before it. */
export interface Progress {
  /** Bytes that are there. */
  readonly bytes: number;
  /** There will not be more. The last line of a layer says so. */
  readonly whole: boolean;
}

/** The descriptor of the socket on which layers come. */
export const LAYER_SOCKET = 3;

/** Completes an unpacked layer from those below it; `pending` comes on stdin as JSON. */
export interface SettleTask {
  readonly kind: 'settle';
  /** Absolute directory that holds all layers; the process locks itself in there. */
  readonly directory: string;
  readonly parentPid: number;
  readonly maxBytes: number;
  /** Layer directories relative to `directory`, as `0123456789abcdef/fs`. */
  readonly layer: string;
  /** Those below it, the highest first. */
  readonly lowers: readonly string[];
}

export type UnpackerTask = UnpackTask | SettleTask;

/** What a layer cannot know of itself. Paths are bytes as latin1 strings, relative to the layer's root, which is ''. */
export interface Pending {
  /** Directories that have entries but none of their own: owner, mode and the rest are the lower layers'. */
  readonly implicit: readonly string[];
  /** Hard links to files of lower layers. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

export interface UnpackReport {
  /** `sha256:…` of the uncompressed stream. */
  readonly diffId: string;
  readonly rawBytes: number;
  readonly entries: number;
  /** Disk space taken, in whole blocks. */
  readonly usedBytes: number;
  readonly inodes: number;
  readonly pending: Pending;
}

export interface SettleReport {
  readonly addedBytes: number;
  readonly addedInodes: number;
}

export type UnpackerAnswer<T> =
  | { readonly ok: true; readonly report: T }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };
