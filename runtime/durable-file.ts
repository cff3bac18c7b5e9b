/** State files that are whole after kill -9: written beside, synced where a power cut matters, and renamed. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from './errors.js';
import { errnoName } from './linux/libc.js';

/**
 * Replaces `file` by `text` in one step; leaves nothing beside it when it rejects. Callers of one file take turns.
 * `durable` makes it survive a power cut too (`--root`); without, it survives kill -9. Throws RESOURCE_EXHAUSTED on a
 * full disk.
 */
export async function replaceFile(file: string, text: string, durable: boolean): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    await write(temporary, text, durable);
    await fs.rename(temporary, file);
    if (durable) await syncDirectory(path.dirname(file));
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw isFull(error) ? fullDisk(file, error) : error;
  }
}

async function write(file: string, text: string, durable: boolean): Promise<void> {
  const handle = await fs.open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    if (durable) await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** A rename is on disk when its directory is (fsync(2)). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoName(error) ?? '');
}

function fullDisk(file: string, cause: unknown): CribError {
  const message = `writing ${file}: no space left on its file system; free some, or give crib another --root or --state`;
  return new CribError('RESOURCE_EXHAUSTED', message, { cause });
}
