/** The root container of a gVisor pod, with which its sentry starts and ends: catatonit, alone in a read-only root. */

import os from 'node:os';
import path from 'node:path';
import type { OciSpec, ResolvedMount } from '../../runtime/spec/types.js';
import { initProcess, NOBODY, writeInitBundle } from '../pod/init-bundle.js';
import { initRootfs } from '../pod/init-rootfs.js';
import type { PodRecord } from '../pod-record.js';
import { shmHint } from './mount-hints.js';
import { sharedPidNamespace } from './places.js';

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
  await writeInitBundle(bundle, rootSpec(pod, rootfs, ociCgroup, additions));
  return bundle;
}

/** Containers that share the pod's PID namespace join the root container's. */
export function rootSpec(pod: PodRecord, rootfs: string, ociCgroup: string, additions: RootAdditions): OciSpec {
  return {
    ociVersion: '1.0.2',
    process: initProcess({ uid: NOBODY, gid: NOBODY }),
    root: { path: rootfs, readonly: true },
    hostname: pod.config.hostname || os.hostname(),
    mounts: [PROC, ...additions.mounts],
    annotations: { 'io.kubernetes.cri.container-type': 'sandbox', ...shmHint(), ...additions.annotations },
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
