/** The root file system of a container: an overlay of the image's layers and a writable one. */

import { chmodSync, chownSync, existsSync, rmdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { allDone } from '../all-done.js';
import { makeDirectory } from '../durable-file.js';
import { attempting } from '../errors.js';
import { MNT, MS } from '../linux/constants.js';
import { errnoName } from '../linux/libc.js';
import { mount, unmount, unmountAway } from '../linux/mounts.js';
import type { IdMapping } from './config.js';
import { withIdMappedLayers } from './id-mapped-layers.js';
import { type IdMappings, toHostId } from './id-mappings.js';
import { mountOverlay } from './overlay.js';

export interface RootfsPaths {
  /** The writable layer. */
  readonly upper: string;
  /** Overlay's own work directory, on the file system of `upper`. */
  readonly work: string;
  /** Where the merged tree is mounted. */
  readonly target: string;
}

/**
 * Mounts `lowers` (lowest layer first) with a fresh writable layer at `paths.target`. The overlay is `volatile`: no
 * sync when it is unmounted, since a writable layer never outlives a power cut (overlayfs.rst, "Volatile mount"). With
 * `mappings` every file is that namespace's: the layers are id-mapped (Linux 5.19), the writable layer has the ids outside.
 * `label` is the SELinux label of everything in it; empty: none.
 */
export async function mountRootfs(
  lowers: readonly string[],
  paths: RootfsPaths,
  mappings?: IdMappings,
  label = '',
): Promise<void> {
  await Promise.all([paths.upper, paths.work, paths.target].map((directory) => makeDirectory(directory, 0o755)));
  const lower = lowers.length === 0 ? [await emptyLower(paths)] : [...lowers].reverse();
  await copyOwnerAndMode(lower[0] ?? paths.upper, paths.upper, mappings);
  try {
    const merge = (layers: readonly string[]) => mountWritable(layers, paths, label);
    if (mappings === undefined) merge(lower);
    else withIdMappedLayers(lower, mappings, layersPath(paths.target), merge);
  } catch (error) {
    throw attempting(`mounting the root file system at ${paths.target}`, error);
  }
}

/** Where id-mapped layers are mounted while an overlay is made of them. */
function layersPath(target: string): string {
  return path.join(path.dirname(target), 'layers');
}

/** An image without layers still needs a lower directory. */
async function emptyLower(paths: RootfsPaths): Promise<string> {
  const directory = path.join(path.dirname(paths.upper), 'empty');
  await fs.mkdir(directory, { recursive: true, mode: 0o755 });
  return directory;
}

/** `/` of the merged tree is the writable layer's own directory: it looks like the image's. */
async function copyOwnerAndMode(from: string, to: string, mappings: IdMappings | undefined): Promise<void> {
  const { uid, gid, mode } = await fs.stat(from);
  const owner = (ranges: readonly IdMapping[] | undefined, id: number) => (ranges && toHostId(ranges, id)) ?? id;
  // In place: the directory was just made, and no disk is waited for.
  chownSync(to, owner(mappings?.uids, uid), owner(mappings?.gids, gid));
  chmodSync(to, mode & 0o7777);
}

function mountWritable(layers: readonly string[], paths: RootfsPaths, label: string): void {
  mountOverlay(paths.target, {
    layers,
    options: [
      ['upperdir', paths.upper],
      ['workdir', paths.work],
      ['volatile', null],
      ...(label === '' ? [] : [['context', label] as const]),
    ],
  });
}

/** Unmounts and removes the mount point; keeps the writable layer. Idempotent; never follows a symlink at `target`. */
export async function unmountRootfs(target: string): Promise<void> {
  const layers = layersPath(target);
  // They are there for a moment only, and for a pod in a user namespace.
  await allDone([...(existsSync(layers) ? [unmountOne(layers)] : []), unmountAndRemove(target)]);
}

/** What is mounted still cannot be removed: that saves asking whether more is. */
async function unmountAndRemove(target: string): Promise<void> {
  for (;;) {
    const unmounted = await unmountTop(target);
    try {
      rmdirSync(target); // in place: an empty directory in memory
      return;
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return;
      if (errnoName(error) !== 'EBUSY' || !unmounted) throw error;
    }
  }
}

/** umount2(2) with MNT_DETACH until nothing is mounted at `target`: EINVAL and ENOENT say so. */
export function unmountIfMounted(target: string): void {
  for (;;) {
    try {
      unmount(target, MNT.DETACH);
    } catch (error) {
      if (isNotMounted(error)) return;
      throw error;
    }
  }
}

/** The same of several at a time, without stopping the event loop meanwhile. */
export async function unmountAll(targets: readonly string[]): Promise<void> {
  await allDone(targets.map(unmountOne));
}

async function unmountOne(target: string): Promise<void> {
  while (await unmountTop(target));
}

/** False: nothing is mounted there. */
async function unmountTop(target: string): Promise<boolean> {
  try {
    await unmountAway(target, MNT.DETACH);
    return true;
  } catch (error) {
    if (isNotMounted(error)) return false;
    throw error;
  }
}

function isNotMounted(error: unknown): boolean {
  const code = errnoName(error);
  return code === 'EINVAL' || code === 'ENOENT';
}

/** A bind mount of the file or directory `source` on `target`, which must exist. */
export function bindMount(source: string, target: string): void {
  mount(source, target, '', MS.BIND);
}

/** The directories of a container's root file system. */
export function rootfsPaths(durableDirectory: string, bundle: string): RootfsPaths {
  return {
    upper: path.join(durableDirectory, 'upper'),
    work: path.join(durableDirectory, 'work'),
    target: path.join(bundle, 'rootfs'),
  };
}
