/** What the process that serves a pod itself is made of: catatonit, and a root file system that holds nothing else. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';

const CANDIDATES = ['/usr/bin/catatonit', '/usr/libexec/podman/catatonit', '/usr/local/bin/catatonit'];

/** Id, among the keeper's containers, of the process that serves a pod: an init, a sentry. Derived: any start can find it. */
export function initId(podId: string): string {
  return `${podId}-init`;
}

/** The pod that such an id is of; undefined for every other id. */
export function podOfInit(id: string): string | undefined {
  return id.endsWith('-init') ? id.slice(0, -'-init'.length) : undefined;
}

/**
 * One for all pods, read-only: the binary, and the directories an OCI runtime mounts on. Pods made at once wait for one.
 * `need` begins the sentence that FAILED_PRECONDITION says where there is no catatonit.
 */
export async function initRootfs(state: string, need: string): Promise<string> {
  const rootfs = path.join(state, 'init-rootfs');
  if (await exists(path.join(rootfs, 'catatonit'))) return rootfs;
  const making = inProgress.get(rootfs) ?? makeRootfs(rootfs, need).finally(() => inProgress.delete(rootfs));
  inProgress.set(rootfs, making);
  await making;
  return rootfs;
}

const inProgress = new Map<string, Promise<void>>();

/** The temporary file always has the same name, so that one that a crash left is used again. */
async function makeRootfs(rootfs: string, need: string): Promise<void> {
  for (const directory of ['dev', 'proc']) await fs.mkdir(path.join(rootfs, directory), { recursive: true });
  const binary = path.join(rootfs, 'catatonit');
  const temporary = `${binary}.tmp`;
  await fs.copyFile(await findCatatonit(need), temporary);
  await fs.chmod(temporary, 0o755);
  await fs.rename(temporary, binary);
}

async function findCatatonit(need: string): Promise<string> {
  for (const candidate of CANDIDATES) if (await exists(candidate)) return candidate;
  throw new CribError(
    'FAILED_PRECONDITION',
    `${need}, which is in none of ${CANDIDATES.join(', ')}; install the package catatonit`,
  );
}

async function exists(file: string): Promise<boolean> {
  try {
    await fs.access(file);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return false;
    throw error;
  }
}
