/**
 * Mounts that crib makes itself, in a directory of the container's, and to which the OCI runtime is only pointed: runc
 * 1.1 makes no id-mapped ones. They are there until the runtime has bound them into the container; left any longer they
 * would keep a volume busy that a kubelet wants to unmount.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { MountPropagation } from '../runtime/containers/config.js';
import { idMap } from '../runtime/containers/id-mapped-layers.js';
import type { IdMappings } from '../runtime/containers/id-mappings.js';
import { unmountIfMounted } from '../runtime/containers/rootfs.js';
import { CribError, messageOf } from '../runtime/errors.js';
import { AT, MS } from '../runtime/linux/constants.js';
import { errnoName } from '../runtime/linux/libc.js';
import { attachTree, mount, setMountAttributes } from '../runtime/linux/mounts.js';
import { cloneSource } from './clone-source.js';

/** Propagation of the copy: a private one must not pass on that it is unmounted, with what lies below, to its source. */
const PROPAGATION: Readonly<Record<MountPropagation, number>> = {
  private: MS.PRIVATE,
  'host-to-container': MS.SLAVE,
  bidirectional: MS.SHARED,
};

/** Where the mounts of a bundle are. */
export function ownedDirectory(bundle: string): string {
  return path.join(bundle, 'volumes');
}

/**
 * Mounts an id-mapped copy of `source` at `target`, which is made. Mounts below it are there with their own ids (OCI
 * runtime spec, `idmap`). Throws FAILED_PRECONDITION where the file system cannot be id-mapped; then nothing is left.
 */
export function mountIdMapped(
  source: string,
  target: string,
  mappings: IdMappings,
  propagation: MountPropagation,
): void {
  const tree = cloneSource(source, true);
  try {
    idMap(tree, source, mappings);
    setMountAttributes(tree, { propagation: PROPAGATION[propagation] }, true);
    attachOwned(tree, target);
  } finally {
    fs.closeSync(tree);
  }
}

/** Attaches a detached mount at `target`, which is made. */
export function attachOwned(tree: number, target: string): void {
  makeMountPoint(target, fs.fstatSync(tree).isDirectory());
  attachTree(tree, AT.FDCWD, target);
}

function makeMountPoint(target: string, isDirectory: boolean): void {
  fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o711 });
  if (isDirectory) fs.mkdirSync(target, { mode: 0o711 });
  else fs.closeSync(fs.openSync(target, 'wx', 0o600));
}

/**
 * Unmounts everything in `directory` and removes it. Idempotent. What cannot be unmounted stops none of the others; all of
 * it is told in one FAILED_PRECONDITION, and tried again by the next call.
 */
export function releaseOwned(directory: string): void {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw error;
  }
  const failures: string[] = [];
  for (const name of names) {
    try {
      releaseOne(path.join(directory, name));
    } catch (error) {
      failures.push(`${name}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) {
    throw new CribError('FAILED_PRECONDITION', `unmounting the volumes in ${directory}: ${failures.join('; ')}`);
  }
  fs.rmdirSync(directory);
}

/** A symlink is none of crib's: it goes, and what it leads to is not touched. */
function releaseOne(target: string): void {
  if (!fs.lstatSync(target).isSymbolicLink()) {
    makePrivate(target);
    unmountIfMounted(target);
  }
  removeMountPoint(target);
}

/** Never recursively: should something still be mounted, its content is not ours to remove. */
function removeMountPoint(target: string): void {
  if (fs.lstatSync(target).isDirectory()) fs.rmdirSync(target);
  else fs.unlinkSync(target);
}

/** umount2(2) reaches the peers of a shared tree: what is mounted below the source would go too. */
function makePrivate(target: string): void {
  try {
    mount('', target, '', MS.REC | MS.PRIVATE);
  } catch (error) {
    if (errnoName(error) !== 'EINVAL') throw error; // nothing is mounted here
  }
}
