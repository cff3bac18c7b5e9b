/** Reads and writes of the small text files of cgroupfs. */

import fs from 'node:fs';
import { promisify } from 'node:util';
import { CribError, messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';

const open = promisify(fs.open);
const close = promisify(fs.close);

const FIRST_READ = 8192;
/** A seq_file ends a read early only where the next record would not fit its page: below this, it is the end. */
const SURELY_ALL = 2048;
/** cgroup.procs of a full pids limit; everything else is far smaller. */
const MAX_READ = 4 << 20;

/** The cgroup, or the controller's file in it, is not there (any more). */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV', 'ENOTDIR']);

export function isGone(error: unknown): boolean {
  return GONE.has(errnoName(error));
}

/** The text of a control file; undefined where it is not there. Throws DATA_LOSS beyond 4 MiB. */
export async function readControl(path: string): Promise<string | undefined> {
  let fd: number | undefined;
  try {
    fd = await open(path, 'r');
    return await readToEnd(fd, path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) await close(fd);
  }
}

async function readToEnd(fd: number, path: string): Promise<string> {
  let buffer = Buffer.allocUnsafe(FIRST_READ);
  let length = 0;
  for (;;) {
    const bytesRead = await readSome(fd, buffer, length);
    length += bytesRead;
    if (length > MAX_READ) throw new CribError('DATA_LOSS', `reading ${path}: more than ${MAX_READ} bytes`);
    if (bytesRead === 0 || length < SURELY_ALL) return buffer.toString('latin1', 0, length);
    if (length < buffer.length) continue;
    buffer = Buffer.concat([buffer], Math.min(buffer.length * 4, MAX_READ + 1));
  }
}

function readSome(fd: number, buffer: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, offset, buffer.length - offset, null, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

/**
 * Writes a control file that exists. Throws FAILED_PRECONDITION with the kernel's reason and what was to be written;
 * errno is on `cause`.
 */
export async function writeControl(path: string, value: string): Promise<void> {
  let fd: number | undefined;
  try {
    fd = await open(path, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
    await writeOnce(fd, value);
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `writing "${value}" to ${path}: ${messageOf(cause)}`, { cause });
  } finally {
    if (fd !== undefined) await close(fd);
  }
}

function writeOnce(fd: number, value: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.write(fd, value, null, 'latin1', (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** errno's name of a failed writeControl. */
export function writeErrno(error: unknown): string | undefined {
  return error instanceof CribError ? errnoName(error.cause) : errnoName(error);
}

/** Of a control file that holds one number; `max` and what is not there are undefined. */
export function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.trim() || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

/** The value of `key` in a flat keyed file ("key value" per line, cgroup-v2.rst); 0 where it has none. */
export function flatKey(text: string | undefined, key: string): number {
  if (text === undefined) return 0;
  const prefix = `${key} `;
  const start = text.startsWith(prefix) ? 0 : text.indexOf(`\n${prefix}`) + 1;
  if (start === 0 && !text.startsWith(prefix)) return 0;
  return Number.parseInt(text.slice(start + prefix.length, start + prefix.length + 24), 10) || 0;
}
