/** An image mounted as a volume (KEP-4639): its layers merged read-only, without anything of them being executable. */

import fs from 'node:fs';
import path from 'node:path';
import { attempting, CribError, messageOf } from '../errors.js';
import { AT, MOUNT_ATTR, MS, O, RESOLVE } from '../linux/constants.js';
import { openat2 } from '../linux/files.js';
import { errnoName } from '../linux/libc.js';
import { attachTree, cloneTree, setMountAttributes, unmount } from '../linux/mounts.js';
import { withIdMappedLayers } from './id-mapped-layers.js';
import type { IdMappings } from './id-mappings.js';
import { mountOverlay } from './overlay.js';

/** The API of Kubernetes promises `ro` and `noexec` (ImageVolumeSource); devices and set-id bits are no data either. */
const ATTRIBUTES = MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV;

/**
 * Mounts `lowers` (lowest layer first), or what is at `subPath` in them, at `target`, which is made. The sub-path is
 * resolved once, with symlinks held inside the image (openat2(2), RESOLVE_IN_ROOT), and what it named is what is
 * mounted. With `mappings` its files have the ids of a user namespace. Throws NOT_FOUND for a sub-path that is not there, FAILED_PRECONDITION where it is neither directory nor
 * file. Synchronous calls of microseconds; nothing is left mounted when it throws.
 */
export function mountImage(lowers: readonly string[], target: string, subPath: string, mappings?: IdMappings): void {
  const whole = `${target}.whole`;
  const empty = `${target}.empty`;
  const alone = lowers.length === 0 ? [`${empty}.too`] : [];
  for (const directory of [whole, empty, ...alone]) fs.mkdirSync(directory, { recursive: true, mode: 0o755 });
  try {
    // One lower directory more: an overlay without a writable layer needs two, and bound alone, whiteouts would show.
    const below = [empty, ...alone];
    const merge = (layers: readonly string[]) =>
      mountOverlay(whole, { layers: [...layers].reverse(), below, flags: MS.RDONLY });
    if (mappings === undefined || lowers.length === 0) merge(lowers);
    else withIdMappedLayers(lowers, mappings, `${target}.layers`, merge);
  } catch (cause) {
    throw attempting('mounting the layers of the image', cause);
  }
  try {
    attachPart(whole, target, subPath);
  } finally {
    unmount(whole);
    fs.rmdirSync(whole);
  }
}

function attachPart(whole: string, target: string, subPath: string): void {
  const part = openPart(whole, subPath);
  try {
    const facts = fs.fstatSync(part);
    if (!facts.isDirectory() && !facts.isFile()) {
      throw new CribError('FAILED_PRECONDITION', `${subPath} of the image is neither a directory nor a regular file`);
    }
    if (facts.isDirectory()) fs.mkdirSync(target, { recursive: true, mode: 0o755 });
    else fs.closeSync(fs.openSync(target, 'a', 0o600));
    const tree = cloneTree(part, '', false);
    try {
      setMountAttributes(tree, { set: ATTRIBUTES }, false);
      attachTree(tree, AT.FDCWD, target);
    } finally {
      fs.closeSync(tree);
    }
  } finally {
    fs.closeSync(part);
  }
}

function openPart(whole: string, subPath: string): number {
  const root = fs.openSync(whole, O.PATH | O.DIRECTORY | O.CLOEXEC);
  if (subPath === '') return root;
  try {
    return openat2(root, subPath, O.PATH, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  } catch (cause) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(errnoName(cause) ?? '');
    const why = missing ? 'it does not exist' : messageOf(cause);
    throw new CribError(missing ? 'NOT_FOUND' : 'FAILED_PRECONDITION', `sub-path ${subPath} of the image: ${why}`, {
      cause,
    });
  } finally {
    fs.closeSync(root);
  }
}

/** Where the image volumes of a container are mounted. */
export function imageVolumesDirectory(bundle: string): string {
  return path.join(bundle, 'images');
}
