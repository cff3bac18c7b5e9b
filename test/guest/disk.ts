/** Disk images without a loop device: ext4 file systems made of a directory, and archives on a raw disk. */

import { open, truncate } from 'node:fs/promises';
import { command } from '../support/command.js';

const LIMIT_MS = 600_000;

/** An ext4 file system of `mib` MiB, sparse, with what `tree` holds; fs-verity works on it. */
export async function makeDisk(tree: string, file: string, mib: number): Promise<void> {
  const args = ['-q', '-F', '-t', 'ext4', '-m', '0', '-O', 'verity', '-d', tree, file, `${mib}M`];
  await command('mke2fs', args, { timeout: LIMIT_MS });
}

/** A file of zeros, sparse. */
export async function makeEmptyDisk(file: string, mib: number): Promise<void> {
  await (await open(file, 'w')).close();
  await truncate(file, mib * 1024 * 1024);
}
