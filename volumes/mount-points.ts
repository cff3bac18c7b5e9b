/**
 * Mount points behind symlinks of the image that lead to nothing yet, as /etc/resolv.conf does in images with systemd.
 * An OCI runtime makes what is missing itself, but crun does not follow such a symlink (runc does).
 */

import fs from 'node:fs';
import path from 'node:path';
import { type IdMappings, rootOf } from '../runtime/containers/id-mappings.js';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import type { ResolvedMount } from '../runtime/spec/types.js';

/** As the kernel has it for one path (fs/namei.c, MAXSYMLINKS). */
const MAX_SYMLINKS = 40;

/**
 * Makes them in `rootfs`, where nothing runs yet that could change a name meanwhile. Whatever else is in the way is left for
 * the OCI runtime to tell. With `mappings` they belong to the root of that user namespace.
 */
export async function makeBehindSymlinks(
  rootfs: string,
  mounts: readonly ResolvedMount[],
  mappings: IdMappings | undefined,
): Promise<void> {
  for (const { destination, type, source } of missing(rootfs, mounts)) {
    const real = resolveIn(rootfs, destination);
    if (real === undefined || real === path.posix.resolve('/', destination)) continue;
    const isDirectory = type !== 'bind' || (await fs.promises.stat(source)).isDirectory();
    make(rootfs, real, isDirectory, mappings);
  }
}

function missing(rootfs: string, mounts: readonly ResolvedMount[]): ResolvedMount[] {
  const root = fs.openSync(rootfs, O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    return mounts.filter(({ destination }) => isMissing(root, destination));
  } finally {
    fs.closeSync(root);
  }
}

function isMissing(root: number, destination: string): boolean {
  try {
    fs.closeSync(openat2(root, destination, O.PATH | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS));
    return false;
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return errnoName(error) === 'ENOENT';
  }
}

/** The absolute path inside `rootfs` that `destination` leads to, there or not; undefined where it leads round. */
function resolveIn(rootfs: string, destination: string): string | undefined {
  const queue = destination.split('/');
  let current = '/';
  let links = 0;
  for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
    const next = path.posix.join(current, part);
    const target = readLink(path.join(rootfs, next));
    if (target === undefined) {
      current = next;
      continue;
    }
    links++;
    if (links > MAX_SYMLINKS) return undefined;
    if (target.startsWith('/')) current = '/';
    queue.unshift(...target.split('/'));
  }
  return current;
}

function readLink(name: string): string | undefined {
  try {
    return fs.readlinkSync(name);
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}

function make(rootfs: string, real: string, isDirectory: boolean, mappings: IdMappings | undefined): void {
  const names = real.split('/').slice(1);
  for (const index of names.keys()) {
    const place = path.join(rootfs, ...names.slice(0, index + 1));
    try {
      if (index < names.length - 1 || isDirectory) fs.mkdirSync(place, { mode: 0o755 });
      else fs.closeSync(fs.openSync(place, 'wx', 0o644));
    } catch (error) {
      if (errnoName(error) === 'EEXIST') continue;
      if (errnoName(error) === 'ENOTDIR') return;
      throw error;
    }
    const { uid, gid } = rootOf(mappings);
    fs.lchownSync(place, uid, gid);
  }
}
