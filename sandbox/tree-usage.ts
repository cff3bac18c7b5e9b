/** What a directory tree takes on disk, read a few entries at a time. */

import { closeSync, openSync, type Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { O } from '../runtime/linux/constants.js';
import { entriesIn, openDirectoryIn, pathIn } from '../runtime/linux/descriptor-paths.js';

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
 * Blocks and inodes below `root`, symlinks and mounts left out; undefined when it is gone. Ends at `maxEntries`, or as soon
 * as `goesOn` is false. What vanishes while it is read is not counted. Directories are opened below `root`, never through
 * a symlink: a container that swaps one meanwhile sends nobody through the host.
 */
export async function treeUsage(root: string, maxEntries: number, goesOn = () => true): Promise<TreeUsage | undefined> {
  const top = quietly(() => openSync(root, O.PATH | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC));
  if (top === undefined) return undefined;
  try {
    return await usageBelow(top, maxEntries, goesOn);
  } finally {
    closeSync(top);
  }
}

async function usageBelow(top: number, maxEntries: number, goesOn: () => boolean): Promise<TreeUsage> {
  const pending: Buffer[] = [Buffer.from('.')];
  let bytes = 0;
  let inodes = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const place = directory;
    const fd = quietly(() => openDirectoryIn(top, place));
    if (fd === undefined) continue;
    try {
      bytes += await blocks(fs.stat(pathIn(fd)));
      inodes += 1;
      for await (const batch of entriesIn(fd, BATCH)) {
        const files = batch.filter((entry) => !entry.isDirectory());
        for (const entry of batch) if (entry.isDirectory()) pending.push(below(directory, entry.name));
        const sizes = await Promise.all(files.map(({ name }) => blocks(fs.lstat(pathIn(fd, name)))));
        for (const size of sizes) bytes += size;
        inodes += files.length;
        if (inodes + pending.length > maxEntries || !goesOn()) return { bytes, inodes, complete: false };
      }
    } catch {
      // it is gone
    } finally {
      closeSync(fd);
    }
  }
  return { bytes, inodes, complete: true };
}

function below(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

function quietly(open: () => number): number | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

async function blocks(looking: Promise<Stats>): Promise<number> {
  return looking.then(
    (stat) => stat.blocks * 512,
    () => 0,
  );
}
