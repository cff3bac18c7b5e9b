/**
 * Volumes of a pod that no kubelet looks after (`crib run`): emptyDirs and literal files in the kubelet's own layout,
 * `<podsRoot>/<uid>/volumes/kubernetes.io~<plugin>/<name>`, so that they are recognised like a kubelet's.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError, messageOf } from '../runtime/errors.js';
import { FS_MAGIC } from '../runtime/linux/constants.js';
import { errnoName } from '../runtime/linux/libc.js';
import { mount, unmount } from '../runtime/linux/mounts.js';
import { removeTree } from '../runtime/remove-tree.js';
import { MountTable } from './mount-table.js';
import { noteSizeLimit } from './size-limit.js';

export interface EmptyDirOptions {
  /** `Memory`: tmpfs; empty: the node's disk (Kubernetes EmptyDirVolumeSource.medium). */
  readonly medium: '' | 'Memory';
  /** Only a tmpfs is limited by the kernel; of a directory on disk it is noted (size-limit.ts). */
  readonly sizeLimitBytes?: number;
  /** Owning group; the directory then passes it on (setgid), as the kubelet does for fsGroup. */
  readonly fsGroup?: number;
  /** Permission bits; default 0777, as the kubelet's. */
  readonly mode?: number;
}

/**
 * Makes an emptyDir and returns its directory. Idempotent: an existing one is kept with its content. Throws
 * INVALID_ARGUMENT for names that are not ones, FAILED_PRECONDITION where the directory cannot be made.
 */
export async function createEmptyDir(
  podsRoot: string,
  podUid: string,
  name: string,
  options: EmptyDirOptions,
): Promise<string> {
  const directory = await volumeDirectory(podsRoot, podUid, 'empty-dir', name);
  const mode = (options.mode ?? 0o777) | (options.fsGroup === undefined ? 0 : 0o2000);
  if (options.medium === 'Memory') await mountTmpfs(directory, options.sizeLimitBytes);
  else if (options.sizeLimitBytes !== undefined) noteSizeLimit(directory, checkSize(options.sizeLimitBytes));
  if (options.fsGroup !== undefined) await fs.chown(directory, -1, checkGroup(options.fsGroup));
  await fs.chmod(directory, mode);
  return directory;
}

/**
 * Unmounts what is mounted in the pod's directory, then removes it. Neither follows symlinks, and nothing is removed
 * while a mount is left, whose content would go with it. Idempotent. Throws FAILED_PRECONDITION when the pod's directory
 * is a symlink, or naming what could not be unmounted.
 */
export async function removePodVolumes(podsRoot: string, podUid: string): Promise<void> {
  checkName('pod uid', podUid);
  const directory = path.join(await fs.realpath(podsRoot).catch(() => path.resolve(podsRoot)), podUid);
  const stat = await fs.lstat(directory).catch((error: unknown) => {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    throw new CribError('FAILED_PRECONDITION', `removing ${directory}: it is not a directory but was put in its place`);
  }
  const failures: string[] = [];
  for (const mountPoint of (await MountTable.read()).below(directory)) {
    try {
      unmount(mountPoint);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  const left = (await MountTable.read()).below(directory).filter((mountPoint) => !mountPoint.endsWith('//deleted'));
  if (left.length > 0) {
    const why = failures.length > 0 ? `: ${failures.join('; ')}` : '';
    throw new CribError('FAILED_PRECONDITION', `removing ${directory}: ${left.join(', ')} is still mounted${why}`);
  }
  await removeTree(directory);
}

/** The directory of a volume, made with its parents (0750 above, as the kubelet's). */
export async function volumeDirectory(root: string, podUid: string, plugin: string, name: string): Promise<string> {
  checkName('pod uid', podUid);
  checkName('volume name', name);
  const parent = path.join(path.resolve(root), podUid, 'volumes', `kubernetes.io~${plugin}`);
  const directory = path.join(parent, name);
  try {
    await fs.mkdir(parent, { recursive: true, mode: 0o750 });
    await fs.mkdir(directory, { mode: 0o755 });
  } catch (cause) {
    if (errnoName(cause) !== 'EEXIST' || !(await fs.lstat(directory)).isDirectory()) {
      throw new CribError('FAILED_PRECONDITION', `making the volume ${directory}: ${messageOf(cause)}`, { cause });
    }
  }
  return directory;
}

/** A path element: no slash, no `.` or `..`. */
export function checkName(what: string, name: string): void {
  if (/^[A-Za-z0-9_.-]{1,253}$/.test(name) && name !== '.' && name !== '..') return;
  throw new CribError(
    'INVALID_ARGUMENT',
    `${what} "${name.slice(0, 256)}" is refused: letters, digits, "-", "_", "." only`,
  );
}

async function mountTmpfs(directory: string, sizeLimitBytes: number | undefined): Promise<void> {
  const real = await fs.realpath(directory);
  const there = (await MountTable.read()).byPath(real);
  if (there?.mountPoint === real) {
    const { type } = await fs.statfs(real);
    if (type === FS_MAGIC.TMPFS) return;
    throw new CribError(
      'FAILED_PRECONDITION',
      `mounting a tmpfs on ${real}: a ${there.fsType} is mounted there already`,
    );
  }
  if (sizeLimitBytes !== undefined) checkSize(sizeLimitBytes);
  try {
    mount('tmpfs', real, 'tmpfs', 0, sizeLimitBytes === undefined ? 'mode=0777' : `mode=0777,size=${sizeLimitBytes}`);
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `mounting a tmpfs on ${real}: ${messageOf(cause)}`, { cause });
  }
}

function checkSize(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new CribError('INVALID_ARGUMENT', `emptyDir size limit ${bytes} is not a number of bytes`);
}

function checkGroup(gid: number): number {
  if (Number.isInteger(gid) && gid >= 0 && gid < 2 ** 32 - 1) return gid;
  throw new CribError('INVALID_ARGUMENT', `fsGroup ${gid} is not a group id`);
}
