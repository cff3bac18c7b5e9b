/** What a directory tree takes on disk, read a few entries at a time. */

import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

/** Entries looked at before other work gets its turn. */
const BATCH = 64;

export interface TreeUsage {
  /** Blocks, as du(1) and a kubelet count. */
  readonly bytes: number;
  readonly inodes: number;
  /** False where the walk was ended before it was through. */
  readonly complete: boolean;
}

/**
 * Blocks and inodes below `root`, symlinks not followed; undefined when it is gone. Ends at `maxEntries`, or as soon as
 * `goesOn` is false. What vanishes while it is read is not counted.
 */
export async function treeUsage(root: string, maxEntries: number, goesOn = () => true): Promise<TreeUsage | undefined> {
  const pending = [root];
  let bytes = 0;
  let inodes = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entries = await list(directory);
    if (entries === undefined) {
      if (directory === root) return undefined;
      continue;
    }
    bytes += (await blocks(directory)) ?? 0;
    inodes += 1;
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH);
      const files = batch.filter((entry) => !entry.isDirectory());
      for (const entry of batch) if (entry.isDirectory()) pending.push(path.join(directory, entry.name));
      const sizes = await Promise.all(files.map((entry) => blocks(path.join(directory, entry.name))));
      for (const size of sizes) bytes += size ?? 0;
      inodes += files.length;
      if (inodes > maxEntries || !goesOn()) return { bytes, inodes, complete: false };
    }
  }
  return { bytes, inodes, complete: true };
}

async function list(directory: string): Promise<Dirent[] | undefined> {
  return fs.readdir(directory, { withFileTypes: true }).catch(() => undefined);
}

async function blocks(file: string): Promise<number | undefined> {
  return fs.lstat(file).then(
    (stat) => stat.blocks * 512,
    () => undefined,
  );
}
