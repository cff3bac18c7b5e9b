/** What the image store and the unpacker process tell each other: the task as an argument, the report on stdout. */

import type { ErrorCode } from '../../errors.js';

/** One layer out of a tar stream on stdin (plain or gzip) into an empty directory. */
export interface UnpackTask {
  readonly kind: 'unpack';
  /** Absolute; the process locks itself in there. */
  readonly directory: string;
  readonly parentPid: number;
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** No layer is below it. */
  readonly lowest: boolean;
}

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
