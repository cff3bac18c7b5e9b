/** Where the parts of a gVisor pod are. */

import path from 'node:path';

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
