/** State files that are whole after kill -9: written beside, synced where a power cut matters, and renamed; their directories. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from './errors.js';
import { errnoName } from './linux/libc.js';

/**
 * Replaces `file` by `text` in one step; leaves nothing beside it when it rejects. Callers of one file take turns.
 * `durable` makes it survive a power cut too (`--root`); without, it survives kill -9. Throws RESOURCE_EXHAUSTED on a
 * full disk, FAILED_PRECONDITION on a read-only one.
 */
export async function replaceFile(file: string, text: string, durable: boolean): Promise<void> {
  const temporary = temporaryOf(file);
  try {
    await write(temporary, text, durable);
    await fs.rename(temporary, file);
    if (durable) await syncDirectory(path.dirname(file));
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw explained('writing', file, error);
  }
}

/** Removes what is left of a `replaceFile` that the process was killed in; the next one of that file would do so too. */
export async function discardUnfinished(file: string): Promise<void> {
  await fs.rm(temporaryOf(file), { force: true });
}

function temporaryOf(file: string): string {
  return `${file}.tmp`;
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

/**
 * Makes `directory` and those above it that are missing. Throws RESOURCE_EXHAUSTED on a full disk, FAILED_PRECONDITION on a
 * read-only one; `wayOut` ends the message. Not by Node's recursive mkdir, which tries for ever where nothing can be made,
 * as in /proc.
 */
export async function makeDirectory(directory: string, mode: number, wayOut = ANOTHER_PLACE): Promise<void> {
  try {
    await makeMissing(directory, mode);
  } catch (error) {
    throw explained('making', directory, error, wayOut);
  }
}

/** The same with the kernel's own errors. Returns the topmost directory that was missing; undefined: none was. */
export async function makeMissing(directory: string, mode: number): Promise<string | undefined> {
  try {
    await fs.mkdir(directory, mode);
    return directory;
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return requireDirectory(directory, error);
    if (errnoName(error) !== 'ENOENT' || path.dirname(directory) === directory) throw error;
  }
  const first = await makeMissing(path.dirname(directory), mode);
  try {
    await fs.mkdir(directory, mode);
    return first ?? directory;
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
    return first; // another one has made it meanwhile
  }
}

async function requireDirectory(directory: string, error: unknown): Promise<undefined> {
  if (!(await fs.stat(directory)).isDirectory()) throw error;
}

const ANOTHER_PLACE = 'or give crib another --root or --state';

function explained(attempt: string, file: string, cause: unknown, wayOut = ANOTHER_PLACE): unknown {
  switch (errnoName(cause)) {
    case 'ENOSPC':
    case 'EDQUOT': {
      const message = `${attempt} ${file}: no space left on its file system; free some, ${wayOut}`;
      return new CribError('RESOURCE_EXHAUSTED', message, { cause });
    }
    case 'EROFS': {
      const message = `${attempt} ${file}: a read-only file system; make it writable (mount -o remount,rw), ${wayOut}`;
      return new CribError('FAILED_PRECONDITION', message, { cause });
    }
    case 'EEXIST':
    case 'ENOTDIR': {
      const message = `${attempt} ${file}: a file is in the way; move it away, ${wayOut}`;
      return new CribError('FAILED_PRECONDITION', message, { cause });
    }
    default:
      return cause;
  }
}
