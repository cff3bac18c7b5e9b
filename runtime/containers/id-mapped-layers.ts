/**
 * Image layers as a user namespace's own: one id-mapped copy of the directory that holds them all is mounted at a path
 * of the container's, for as long as the overlay takes to be made of it (the overlay keeps copies of its own).
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, messageOf } from '../errors.js';
import { AT, MNT, MOUNT_ATTR, MS } from '../linux/constants.js';
import { errnoName } from '../linux/libc.js';
import { attachTree, cloneTree, setMountAttributes, unmount } from '../linux/mounts.js';
import { openUserNamespace } from '../linux/user-namespaces.js';
import type { IdMappings } from './id-mappings.js';

/**
 * Calls `use` with the paths of `layers` in an id-mapped, read-only mount at `at`, which is made and removed again. All
 * calls are synchronous. Throws FAILED_PRECONDITION where the file system of the layers cannot be id-mapped.
 */
export function withIdMappedLayers(
  layers: readonly string[],
  mappings: IdMappings,
  at: string,
  use: (mapped: readonly string[]) => void,
): void {
  const common = commonDirectory(layers);
  fs.mkdirSync(at, { recursive: true, mode: 0o700 });
  const tree = openIdMapped(common, mappings, MOUNT_ATTR.RDONLY);
  try {
    // On a host whose mounts are shared a copy is a peer of its source: what is mounted below one is below both, and goes
    // from both when the copy is unmounted.
    setMountAttributes(tree, { propagation: MS.PRIVATE }, false);
    attachTree(tree, AT.FDCWD, at);
  } finally {
    fs.closeSync(tree);
  }
  try {
    use(layers.map((layer) => path.join(at, path.relative(common, layer))));
  } finally {
    unmount(at, MNT.DETACH);
    fs.rmdirSync(at);
  }
}

/**
 * An id-mapped detached copy of the mount at `source` (a path, or a descriptor's in /proc), without its submounts, as
 * the OCI runtime spec has it for `idmap`. The caller attaches and closes it. Throws FAILED_PRECONDITION where the kernel
 * cannot: a file system without support for it, or one that is id-mapped already.
 */
export function openIdMapped(source: string, mappings: IdMappings, attributes = 0, recursive = false): number {
  const tree = cloneTree(AT.FDCWD, source, recursive);
  try {
    idMap(tree, source, mappings, attributes);
    return tree;
  } catch (error) {
    fs.closeSync(tree);
    throw error;
  }
}

/** Gives a detached mount, made of `source`, the ids of a user namespace. Throws as openIdMapped does. */
export function idMap(tree: number, source: string, mappings: IdMappings, attributes = 0): void {
  const userNamespaceFd = openUserNamespace(mappings);
  try {
    setMountAttributes(tree, { set: MOUNT_ATTR.IDMAP | attributes, userNamespaceFd }, false);
  } catch (error) {
    throw error instanceof CribError ? error : cannotMap(source, error);
  } finally {
    fs.closeSync(userNamespaceFd);
  }
}

function cannotMap(source: string, error: unknown): CribError {
  const code = errnoName(error);
  const why =
    code === 'EINVAL'
      ? 'this kernel cannot id-map its file system (tmpfs: from Linux 6.3 on)'
      : code === 'EPERM'
        ? 'it is id-mapped already, or its file system belongs to another user namespace'
        : code === 'ENOSYS'
          ? 'the kernel is older than 5.12'
          : messageOf(error);
  return new CribError('FAILED_PRECONDITION', `id-mapping ${source}: ${why}`, { cause: error });
}

/** The deepest directory above all of `paths`, none of which it is itself. */
export function commonDirectory(paths: readonly string[]): string {
  let common = path.dirname(paths[0] ?? '/');
  while (!paths.every((candidate) => candidate.startsWith(common === '/' ? '/' : `${common}/`))) {
    common = path.dirname(common);
  }
  return common;
}
