/** What is written down of a verified volume, for telling later whether it may have changed. */

import fs from 'node:fs';
import type { VerityRequest } from './request.js';
import { stampTree } from './tree-stamp.js';

export interface WatchedVolume {
  readonly request: VerityRequest;
  /** Of its top, in decimal: another one at the same path is another volume. */
  readonly device: string;
  readonly inode: string;
  /** Taken before it was hashed; empty: it says nothing. */
  readonly stamp: string;
  /** Nanoseconds since the epoch, in decimal, just before. */
  readonly checkedAt: string;
}

export type WatchedFacts = Omit<WatchedVolume, 'request'>;

/** Of the volume that `fd` is open on, which is about to be hashed. Throws as stampTree. */
export async function watchedFacts(fd: number, signal: AbortSignal | undefined): Promise<WatchedFacts> {
  const checkedAt = String(BigInt(Date.now()) * 1_000_000n);
  const { dev, ino } = fs.fstatSync(fd, { bigint: true });
  const { stamp } = await stampTree(fd, { signal });
  return { device: String(dev), inode: String(ino), stamp, checkedAt };
}
