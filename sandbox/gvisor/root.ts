/** The root container of a gVisor pod, with which its sentry starts and ends: catatonit, alone in a read-only root. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { OciSpec, ResolvedMount } from '../../runtime/spec/types.js';
import { initRootfs } from '../pod/init-rootfs.js';
import type { PodRecord } from '../pod-record.js';
import { sharedPidNamespace } from './places.js';

const NOBODY = 65534;
const PROC = { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] };

/** What its spec has for the volumes of the pod (guest-volumes.ts). */
export interface RootAdditions {
  readonly annotations: Readonly<Record<string, string>>;
  readonly mounts: readonly ResolvedMount[];
}

/** Writes its bundle below the pod's directory and returns the path. `ociCgroup` is where the sentry runs. */
export async function rootBundle(
  pod: PodRecord,
  podDirectory: string,
  state: string,
  ociCgroup: string,
  additions: RootAdditions,
): Promise<string> {
  const rootfs = await initRootfs(state, 'a gVisor pod needs catatonit as the process of its root container');
  const bundle = path.join(podDirectory, 'sentry');
  await fs.mkdir(bundle, { recursive: true, mode: 0o700 });
  const spec = rootSpec(pod, rootfs, ociCgroup, additions);
  await fs.writeFile(path.join(bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
  return bundle;
}

/** Containers that share the pod's PID namespace join the root container's. */
export function rootSpec(pod: PodRecord, rootfs: string, ociCgroup: string, additions: RootAdditions): OciSpec {
  return {
    ociVersion: '1.0.2',
    process: {
      args: ['/catatonit', '-P'],
      cwd: '/',
      env: ['PATH=/'],
      user: { uid: NOBODY, gid: NOBODY },
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    hostname: pod.config.hostname || os.hostname(),
    mounts: [PROC, ...additions.mounts],
    annotations: { 'io.kubernetes.cri.container-type': 'sandbox', ...additions.annotations },
    linux: {
      cgroupsPath: ociCgroup,
      namespaces: [
        { type: 'mount' },
        { type: 'pid', path: sharedPidNamespace(pod.id) },
        { type: 'network', path: pod.namespaces.network },
      ],
    },
  };
}
