/** The OCI bundle of the process that serves a pod itself: catatonit, without a capability. */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { OciSpec } from '../../runtime/spec/types.js';

export const NOBODY = 65534;

/** The `process` of its spec: as `user`, because every container of the pod may see it. */
export function initProcess(user: { readonly uid: number; readonly gid: number }): OciSpec {
  return {
    args: ['/catatonit', '-P'],
    cwd: '/',
    env: ['PATH=/'],
    user,
    capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    noNewPrivileges: true,
  };
}

/** Writes `spec` as the bundle `directory`, which is made. */
export async function writeInitBundle(directory: string, spec: OciSpec): Promise<void> {
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  await fs.writeFile(path.join(directory, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
}
