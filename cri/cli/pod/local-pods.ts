/**
 * Where `crib run` keeps what a kubelet would keep of a pod: `ROOT/local-pods/UID/volumes` and `…/logs`. The log
 * directory is part of the pod, so `crib rm` finds all of it again.
 */

import path from 'node:path';
import { removePodVolumes } from '../../../volumes/local.js';

const FOLDER = 'local-pods';
const LOGS = 'logs';

export function localPodsRoot(root: string): string {
  return path.join(root, FOLDER);
}

export function logDirectoryOf(localPods: string, uid: string): string {
  return path.join(localPods, uid, LOGS);
}

/** Removes volumes and logs of a pod that `crib run` made; does nothing for any other pod. Idempotent. */
export async function removeLocalPod(logDirectory: string, uid: string): Promise<void> {
  const localPods = path.dirname(path.dirname(logDirectory));
  if (path.basename(localPods) !== FOLDER || logDirectoryOf(localPods, uid) !== logDirectory) return;
  await removePodVolumes(localPods, uid);
}
