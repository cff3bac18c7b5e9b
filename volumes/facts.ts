/** What the kernel says about the source of a mount. */

import fs from 'node:fs';
import { CribError, messageOf } from '../runtime/errors.js';
import { AT, O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import type { MountInfo } from '../runtime/linux/mountinfo.js';
import type { MountTable } from './mount-table.js';
import type { MountFacts } from './types.js';

/** A dead network file system answers nothing for ever. */
const LOOKUP_LIMIT_MS = 10_000;

export interface SourceFacts {
  readonly facts: MountFacts;
  /** The mount that the source lies on; undefined where the source is missing. */
  readonly mount: MountInfo | undefined;
}

/**
 * Resolves symlinks once, then opens the result without following any (RESOLVE_NO_SYMLINKS): type, file system and
 * mount are all of that one object, whatever is swapped meanwhile. A source that does not exist has the type `missing`;
 * a symlink to nothing is FAILED_PRECONDITION, because making a directory there would be a surprise.
 */
export async function gatherFacts(hostPath: string, containerPath: string, table: MountTable): Promise<SourceFacts> {
  const realPath = await withDeadline(realPathOf(hostPath), hostPath);
  if (realPath === undefined) {
    const base = { hostPath, realPath: hostPath, containerPath, mountPoint: '' };
    return { facts: { ...base, type: 'missing', filesystemMagic: 0 }, mount: undefined };
  }
  const fd = openSource(realPath, hostPath);
  try {
    const type = typeOf(fs.fstatSync(fd));
    const { type: magic } = await withDeadline(fs.promises.statfs(`/proc/self/fd/${fd}`, { bigint: true }), hostPath);
    const mount = table.byId(await mountIdOf(fd)) ?? table.byPath(realPath);
    const filesystemMagic = Number(BigInt.asUintN(32, magic));
    const mountPoint = mount?.mountPoint ?? '';
    return { facts: { hostPath, realPath, containerPath, type, filesystemMagic, mountPoint }, mount };
  } finally {
    fs.closeSync(fd);
  }
}

async function realPathOf(hostPath: string): Promise<string | undefined> {
  try {
    return await fs.promises.realpath(hostPath);
  } catch (cause) {
    if (errnoName(cause) !== 'ENOENT') throw failed(hostPath, messageOf(cause), cause);
  }
  const link = await fs.promises.readlink(hostPath).catch(() => undefined);
  if (link === undefined) return undefined;
  throw failed(hostPath, `it is a symlink to ${link}, which does not exist`);
}

function openSource(realPath: string, hostPath: string): number {
  try {
    return openat2(AT.FDCWD, realPath, O.PATH, RESOLVE.NO_SYMLINKS);
  } catch (cause) {
    throw failed(hostPath, `it changed while it was looked at: ${messageOf(cause)}`, cause);
  }
}

function failed(hostPath: string, why: string, cause?: unknown): CribError {
  return new CribError('FAILED_PRECONDITION', `looking at host path ${hostPath}: ${why}`, { cause });
}

/** `mnt_id` of proc_pid_fdinfo(5): exact also where mounts are stacked. */
async function mountIdOf(fd: number): Promise<number> {
  const text = await fs.promises.readFile(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^mnt_id:\s*(\d+)/m.exec(text)?.[1] ?? -1);
}

function typeOf(stat: fs.Stats): MountFacts['type'] {
  if (stat.isDirectory()) return 'directory';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isSocket()) return 'socket';
  return stat.isFIFO() ? 'fifo' : 'file';
}

async function withDeadline<T>(work: Promise<T>, hostPath: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const message = `looking at host path ${hostPath}: its file system did not answer in ${LOOKUP_LIMIT_MS} ms`;
    timer = setTimeout(() => reject(new CribError('DEADLINE_EXCEEDED', message)), LOOKUP_LIMIT_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
