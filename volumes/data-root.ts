/**
 * Volumes of Docker and Podman: `<data root>/volumes/<name>/_data`, in a data root of rootless use or of user namespace
 * remapping too (Docker, "Manage data"; `docker info` DockerRootDir; containers-storage.conf(5)).
 */

import fs from 'node:fs/promises';
import path from 'node:path';

/** Below Docker's data root where it remaps users: `<uid>.<gid>` (dockerd, userns-remap). */
const REMAPPED = /^\d+\.\d+$/;

/** The directory that holds volumes by name, if `realPath` has the shape of one: `<volumes>/<name>/_data`. */
export function volumesDirectoryOf(realPath: string): string | undefined {
  const volume = path.posix.dirname(realPath);
  const directory = path.posix.dirname(volume);
  return path.posix.basename(realPath) === '_data' && directory !== '/' && directory !== volume ? directory : undefined;
}

/** True where `directory` is `<root>/volumes` by its name; `*` in `root` stands for one element. */
export function isVolumesOf(directory: string, root: string): boolean {
  const parts = directory.split('/');
  if (parts.pop() !== 'volumes') return false;
  const wanted = volumesFor(root).split('/').slice(0, -1);
  if (REMAPPED.test(parts.at(-1) ?? '') && parts.length === wanted.length + 1) parts.pop();
  return parts.length === wanted.length && wanted.every((part, index) => part === '*' || part === parts[index]);
}

/**
 * The one of the configured `roots` that `realPath` is a volume of: by name, or because the directory of volumes is the
 * same one (device and inode), which it stays behind symlinks and bind mounts.
 */
export async function dataRootOf(realPath: string, roots: readonly string[]): Promise<string | undefined> {
  const directory = volumesDirectoryOf(realPath);
  if (directory === undefined) return undefined;
  const named = roots.find((root) => isVolumesOf(directory, root));
  if (named !== undefined) return named;
  const here = await identityOf(directory);
  for (const root of roots) {
    if (here !== undefined && !root.includes('*') && (await identityOf(volumesFor(root))) === here) return root;
  }
  return undefined;
}

/** A root may be given as its directory of volumes. */
function volumesFor(root: string): string {
  const normal = path.posix.normalize(`${root}/`).slice(0, -1);
  return path.posix.basename(normal) === 'volumes' ? normal : `${normal}/volumes`;
}

async function identityOf(directory: string): Promise<string | undefined> {
  const stat = await fs.stat(directory, { bigint: true }).catch(() => undefined);
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}
