/** Where the parts of a gVisor pod are. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { errnoName } from '../../runtime/linux/libc.js';

/** Characters of a pod's id that name its sandbox: the control socket's path must fit sun_path (108 bytes, unix(7)). */
const NAME_LENGTH = 16;

/** The id of a pod's root container, and so of its sandbox, to runsc. */
export function sandboxName(podId: string): string {
  return podId.slice(0, NAME_LENGTH);
}

/** runsc's `--root`: one for each pod, so that it goes as a whole when the sentry has ended. */
export function runscRoot(state: string, podId: string): string {
  return path.join(runscRoots(state), sandboxName(podId));
}

/** The directory of all of them. */
export function runscRoots(state: string): string {
  return path.join(state, 'runsc');
}

/** How many containers runsc knows of the pod, without the root container; 0 also when the sandbox is gone. */
export async function containersIn(root: string): Promise<number> {
  const names = await fs.readdir(root).catch((error: unknown) => {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  });
  return Math.max(0, names.filter((name) => name.endsWith('.state')).length - 1);
}

/**
 * What containers of a shared PID namespace call it. runsc compares these texts and opens none; the root container has
 * it first.
 */
export function sharedPidNamespace(podId: string): string {
  return `/pod/${podId}/pid`;
}

/** The name of a container's own, for another that joins it. */
export function ownPidNamespace(containerId: string): string {
  return `/container/${containerId}/pid`;
}
