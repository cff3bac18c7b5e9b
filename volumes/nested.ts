/**
 * Mount points inside of read-only volumes. An OCI runtime mounts parents first, and runc makes them read-only at once, so
 * that it cannot make a mount point in them any more (gVisor makes submounts writable while they are filled, runsc/boot/vfs.go).
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, messageOf } from '../runtime/errors.js';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { isWithin } from './kind.js';
import type { MountFacts } from './types.js';

/** What is mounted already when a child's turn comes. */
export interface Parent {
  readonly facts: MountFacts;
  readonly readonly: boolean;
}

/** The nearest of `parents` that `containerPath` lies in; undefined: it lies in the root file system. */
export function parentOf<P extends Parent>(containerPath: string, parents: readonly P[]): P | undefined {
  const covering = parents.filter(({ facts }) => isWithin(containerPath, facts.containerPath));
  return covering.reduce<P | undefined>((nearest, parent) => {
    const isDeeper = parent.facts.containerPath.length > (nearest?.facts.containerPath.length ?? 0);
    return isDeeper ? parent : nearest;
  }, undefined);
}

/**
 * Makes the mount point of `child` in the source of its read-only parent, where that is a volume of the pod: it goes with
 * the pod. Nothing is made on the rest of the host: that is FAILED_PRECONDITION. Symlinks are left to the OCI runtime,
 * which resolves them in the root file system.
 */
export function makeNestedMountPoint(child: MountFacts, parent: Parent | undefined, field: string): void {
  if (parent?.readonly !== true || parent.facts.type !== 'directory') return;
  const below = path.posix.relative(parent.facts.containerPath, child.containerPath).split('/');
  const mayMake = parent.facts.volume !== undefined;
  try {
    descend(parent.facts.realPath, below, child.type === 'directory', mayMake);
  } catch (cause) {
    if (errnoName(cause) === 'ELOOP' || errnoName(cause) === 'ENOTDIR') return;
    const place = `${child.containerPath} is not there in the read-only volume ${parent.facts.hostPath}`;
    const why = errnoName(cause) === 'ENOENT' ? 'make it on the host, or mount that volume writable' : messageOf(cause);
    throw new CribError('FAILED_PRECONDITION', `${field}.container_path: ${place}: ${why}`, { cause });
  }
}

/** Each step is from a descriptor and follows no symlink: what a container swaps meanwhile leads nowhere. */
function descend(root: string, names: readonly string[], isDirectory: boolean, mayMake: boolean): void {
  let current = fs.openSync(root, O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    for (const [index, name] of names.entries()) {
      const makes = index < names.length - 1 || isDirectory ? makeDirectory : makeFile;
      const next = step(current, name, mayMake ? makes : undefined);
      fs.closeSync(current);
      current = next;
    }
  } finally {
    fs.closeSync(current);
  }
}

function step(parent: number, name: string, make: ((place: string) => void) | undefined): number {
  const open = () => openat2(parent, name, O.PATH, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
  try {
    return open();
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' || make === undefined) throw error;
  }
  make(`/proc/self/fd/${parent}/${name}`);
  return open();
}

function makeDirectory(place: string): void {
  fs.mkdirSync(place, { mode: 0o755 });
}

function makeFile(place: string): void {
  fs.closeSync(fs.openSync(place, 'wx', 0o644));
}
