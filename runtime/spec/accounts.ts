/** /etc/passwd and /etc/group of an image (passwd(5), group(5)): read without leaving its root file system. */

import fsSync from 'node:fs';
import fs from 'node:fs/promises';
import { CribError, messageOf } from '../errors.js';
import { O, RESOLVE } from '../linux/constants.js';
import { openat2 } from '../linux/files.js';
import { errnoName } from '../linux/libc.js';

/** Linux allows ids to 2^32 - 2; OCI runtimes take them to 2^31 - 1. */
export const MAX_ID = 0x7fffffff;

const MAX_BYTES = 4 * 1024 * 1024;

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface Accounts {
  readonly users: readonly PasswdEntry[];
  readonly groups: readonly GroupEntry[];
}

/**
 * Reads both files; one that is missing has no entries. Symlinks are resolved inside `rootfs` (openat2(2),
 * RESOLVE_IN_ROOT). Throws FAILED_PRECONDITION for a file that is over 4 MiB or not a regular one.
 */
export async function readAccounts(rootfs: string): Promise<Accounts> {
  const root = await fs.open(rootfs, O.PATH | O.DIRECTORY);
  try {
    const [passwd, group] = await Promise.all([readInRoot(root.fd, 'etc/passwd'), readInRoot(root.fd, 'etc/group')]);
    return { users: parsePasswd(passwd), groups: parseGroup(group) };
  } finally {
    await root.close();
  }
}

/** Opened by O_PATH first: opening a device or a FIFO that an image has put there would already do something. */
async function readInRoot(rootFd: number, path: string): Promise<string> {
  let fd: number;
  try {
    fd = openat2(rootFd, path, O.PATH, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  } catch (error) {
    const code = errnoName(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    throw new CribError('FAILED_PRECONDITION', `reading /${path} of the image: ${messageOf(error)}`, { cause: error });
  }
  try {
    return await readRegular(fd, path);
  } finally {
    fsSync.closeSync(fd);
  }
}

async function readRegular(fd: number, path: string): Promise<string> {
  const facts = fsSync.fstatSync(fd);
  if (!facts.isFile()) throw new CribError('FAILED_PRECONDITION', `/${path} of the image is not a regular file`);
  if (facts.size > MAX_BYTES) {
    throw new CribError('FAILED_PRECONDITION', `/${path} of the image has ${facts.size} bytes; at most ${MAX_BYTES}`);
  }
  const handle = await fs.open(`/proc/self/fd/${fd}`, 'r');
  try {
    const buffer = Buffer.alloc(facts.size);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    await handle.close();
  }
}

/** A line whose numbers are not numbers is left out, not read as uid 0. */
export function parsePasswd(text: string): PasswdEntry[] {
  return lines(text).flatMap(([name, , uid, gid, , home]) => {
    const ids = [parseId(uid), parseId(gid)] as const;
    if (name === undefined || ids[0] === undefined || ids[1] === undefined) return [];
    return [{ name, uid: ids[0], gid: ids[1], home: home ?? '' }];
  });
}

export function parseGroup(text: string): GroupEntry[] {
  return lines(text).flatMap(([name, , number, members]) => {
    const gid = parseId(number);
    if (name === undefined || gid === undefined) return [];
    return [{ name, gid, members: (members ?? '').split(',').map((member) => member.trim()) }];
  });
}

function lines(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

/** undefined: not a decimal number. -1 is never an id; too large ones are. */
export function parseId(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
