/**
 * What an image declares as volumes (image-spec config.md, "Volumes"): directories that its programs write to. The
 * writable layer is where they are, and they are made where the image has none. Below a read-only root file system
 * each is mounted on itself to be writable still, as an anonymous volume of another runtime is.
 */

import fs from 'node:fs';
import path from 'node:path';
import { type IdMappings, rootOf } from '../runtime/containers/id-mappings.js';
import { attempting } from '../runtime/errors.js';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import type { ResolvedMount } from '../runtime/spec/types.js';
import { isWithin } from './kind.js';

/** What an image says beyond these is nothing that a program needs, and is left out. */
const MAX_VOLUMES = 100;
const MAX_DEPTH = 32;
/** Something that is no directory is in the way, or a symlink leads nowhere: there is nothing to write to. */
const NO_DIRECTORY: readonly unknown[] = ['EEXIST', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EXDEV'];

export interface DeclaredPlace {
  /** Where the root file system is mounted. */
  readonly rootfs: string;
  /** Where other mounts of the container go. */
  readonly destinations: readonly string[];
  /** Of the pod's user namespace: its root has what is made. */
  readonly mappings: IdMappings | undefined;
}

/** Makes the directories; the mounts with which they stay writable, whatever the root file system is. */
export function declaredVolumes(declared: readonly string[], place: DeclaredPlace): ResolvedMount[] {
  const wanted = [...new Set(declared.slice(0, MAX_VOLUMES).map((name) => path.posix.resolve('/', name)))];
  const own = wanted.filter((name) => isOwn(name, place.destinations));
  if (own.length === 0) return [];
  const root = fs.openSync(place.rootfs, O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    return own.flatMap((destination) => {
      const source = makeDirectories(root, destination, place.mappings);
      if (source === undefined) return [];
      return [{ destination, source, type: 'bind', options: ['rbind', 'rprivate', 'rw'] }];
    });
  } finally {
    fs.closeSync(root);
  }
}

function isOwn(name: string, destinations: readonly string[]): boolean {
  if (name === '/' || name.includes('\0') || name.split('/').length > MAX_DEPTH) return false;
  return !['/dev', '/proc', '/sys', ...destinations].some((other) => isWithin(name, other));
}

/** The path on the host that `destination` is, symlinks resolved as in the container; undefined: it cannot be one. */
function makeDirectories(root: number, destination: string, mappings: IdMappings | undefined): string | undefined {
  const parents = destination.split('/').map((_, index, names) => names.slice(0, index + 1).join('/') || '/');
  try {
    for (const [index, directory] of parents.entries()) {
      if (index > 0) makeIfMissing(root, parents[index - 1] ?? '/', directory, mappings);
    }
    return withDirectory(root, destination, (opened) => fs.readlinkSync(opened));
  } catch (error) {
    if (NO_DIRECTORY.includes(errnoName(error))) return undefined;
    throw attempting(`making ${destination}, which the image declares as a volume`, error);
  }
}

function makeIfMissing(root: number, parent: string, directory: string, mappings: IdMappings | undefined): void {
  try {
    withDirectory(root, directory, () => undefined);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
    withDirectory(root, parent, (opened) => {
      const made = path.join(opened, path.basename(directory));
      fs.mkdirSync(made, { mode: 0o755 });
      const { uid, gid } = rootOf(mappings);
      fs.lchownSync(made, uid, gid);
    });
  }
}

/** Calls with a path of the opened directory that no symlink changes. */
function withDirectory<T>(root: number, name: string, use: (opened: string) => T): T {
  const flags = O.PATH | O.DIRECTORY | O.CLOEXEC;
  const directory = openat2(root, name, flags, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  try {
    return use(`/proc/self/fd/${directory}`);
  } finally {
    fs.closeSync(directory);
  }
}
