/**
 * The volumes that a kubelet (or `crib run`) has made for a pod. It makes them before it asks for the sandbox
 * (kubelet.go, SyncPod: WaitForAttachAndMount), so a sandbox that must be told its volumes when it is made finds them.
 */

import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { FS_MAGIC } from '../runtime/linux/constants.js';
import { statFilesystem } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { notedSizeLimit } from './size-limit.js';

/** More volumes than a pod can be given in one object of 1.5 MiB; what is beyond is not looked at. */
const MAX_VOLUMES = 512;

export interface FoundVolume {
  /** `empty-dir`, `configmap`…: what follows `kubernetes.io~`. */
  readonly plugin: string;
  readonly name: string;
  /** Without symlinks. */
  readonly directory: string;
  readonly filesystem: 'tmpfs' | 'hugetlbfs' | 'other';
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Of a tmpfs its size, of a disk volume what was noted; undefined: not known. */
  readonly sizeLimitBytes: number | undefined;
}

/**
 * Looks for `<root>/<uid>/volumes/kubernetes.io~<plugin>/<name>` in each of `roots` (a kubelet's `pods` directory), for
 * the plugins asked for. What is a symlink or no directory there is none of a kubelet's and left out.
 */
export async function findPodVolumes(
  roots: readonly string[],
  podUid: string,
  plugins: readonly string[],
): Promise<FoundVolume[]> {
  if (!/^[A-Za-z0-9_.-]{1,253}$/.test(podUid) || podUid === '.' || podUid === '..') return [];
  const found: FoundVolume[] = [];
  for (const root of roots) {
    const volumes = await fs.realpath(path.join(root, podUid, 'volumes')).catch(() => undefined);
    if (volumes === undefined) continue;
    for (const plugin of plugins) {
      const parent = path.join(volumes, `kubernetes.io~${plugin}`);
      for (const name of await namesIn(parent)) {
        const volume = await lookAt(plugin, name, path.join(parent, name));
        if (volume !== undefined) found.push(volume);
        if (found.length === MAX_VOLUMES) return found;
      }
    }
  }
  return found;
}

async function lookAt(plugin: string, name: string, directory: string): Promise<FoundVolume | undefined> {
  const stat = await fs.lstat(directory).catch(() => undefined);
  if (!stat?.isDirectory()) return undefined;
  const { type, blocks, blockSize } = statFilesystem(directory);
  const filesystem = await filesystemOf(type, stat, directory);
  const size = filesystem === 'tmpfs' ? Number(blocks) * blockSize : notedSizeLimit(directory);
  return {
    plugin,
    name,
    directory,
    filesystem,
    uid: stat.uid,
    gid: stat.gid,
    mode: stat.mode & 0o7777,
    // A tmpfs without a limit says 0.
    sizeLimitBytes: size === 0 ? undefined : size,
  };
}

/** A tmpfs that is not mounted on the volume itself is only where this kubelet keeps its directories. */
async function filesystemOf(magic: number, stat: Stats, directory: string): Promise<FoundVolume['filesystem']> {
  if (magic === FS_MAGIC.HUGETLBFS) return 'hugetlbfs';
  if (magic !== FS_MAGIC.TMPFS) return 'other';
  return (await fs.lstat(path.dirname(directory))).dev === stat.dev ? 'other' : 'tmpfs';
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await fs.readdir(directory)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '')) return [];
    throw error;
  }
}
