/**
 * PID 1 of a shared PID namespace: catatonit, which reaps what containers leave behind. It runs in a root file system
 * that holds nothing else, without a capability and as nobody, because every container of the pod can see it.
 */

import path from 'node:path';
import type { CgroupDriver } from '../../runtime/cgroups/driver.js';
import type { IdMapping } from '../../runtime/containers/config.js';
import { idMappingsOf } from '../../runtime/spec/namespaces.js';
import type { HostFacts, OciSpec, PodUserNamespace } from '../../runtime/spec/types.js';
import { initProcess, NOBODY, writeInitBundle } from '../pod/init-bundle.js';
import { initId, initRootfs } from '../pod/init-rootfs.js';
import type { PodRecord } from '../pod-record.js';

/** As containerd gives its pause container: the last of a pod to be killed when memory runs out. */
const OOM_SCORE_ADJ = -998;

/** In the pod's directory. */
export const INIT_BUNDLE = 'init';

/** Writes the init's bundle below the pod's directory and returns its path. */
export async function initBundle(
  pod: PodRecord,
  podDirectory: string,
  state: string,
  host: HostFacts,
  driver: CgroupDriver,
): Promise<string> {
  const rootfs = await initRootfs(state, 'a pod with a shared PID namespace needs catatonit as its init');
  const bundle = path.join(podDirectory, INIT_BUNDLE);
  await writeInitBundle(bundle, initSpec(pod, rootfs, host, driver));
  return bundle;
}

/** In a user namespace that is too small for nobody, its last user. */
function nobodyIn(user: PodUserNamespace | undefined): { uid: number; gid: number } {
  const last = (ranges: readonly IdMapping[]) =>
    Math.min(NOBODY, ...ranges.map(({ containerId, length }) => containerId + length - 1));
  return { uid: last(user?.uids ?? []), gid: last(user?.gids ?? []) };
}

function initSpec(pod: PodRecord, rootfs: string, host: HostFacts, driver: CgroupDriver): OciSpec {
  const { network, ipc, uts, user } = pod.namespaces;
  const joined = Object.entries({ network, ipc, uts, user: user?.path ?? 'host' }).filter(
    ([, where]) => where !== 'host',
  );
  const nobody = nobodyIn(user);
  return {
    ociVersion: '1.0.2',
    process: { ...initProcess(nobody), oomScoreAdj: Math.max(OOM_SCORE_ADJ, host.oomScoreAdjFloor) },
    root: { path: rootfs, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
      },
    ],
    linux: {
      cgroupsPath: driver.ociPath(driver.containerCgroup(pod.cgroup, initId(pod.id))),
      namespaces: [{ type: 'pid' }, { type: 'mount' }, ...joined.map(([type, where]) => ({ type, path: where }))],
      ...(user === undefined ? {} : idMappingsOf(user)),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'],
    },
  };
}
