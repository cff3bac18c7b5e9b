/**
 * What a verbose status says beyond the CRI's fields. Tools read it by the names that containerd and CRI-O have for it:
 * `pid`, `sandboxID`, `privileged` and `runtimeSpec`, of a pod too.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { NamespacePaths } from '../runtime/spec/types.js';
import type { ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import type { Pod } from './pod-record.js';
import { volumesOfContainer, volumesOfPod } from './volume-views.js';

export async function containerInfo(node: Node, record: ContainerRecord): Promise<Record<string, unknown>> {
  const bundle = node.bundle(record.id);
  const text = await fs.readFile(path.join(bundle, 'config.json'), 'utf8').catch(() => 'null');
  const runtimeSpec: unknown = JSON.parse(text);
  const { pid, cgroup, runtime, podId: sandboxID, config } = record;
  const { privileged } = config.security;
  const volumes = await volumesOfContainer(node, record);
  const rootfs = path.join(bundle, 'rootfs');
  return { sandboxID, pid, privileged, runtime, cgroup, volumes, config, runtimeSpec, rootfs };
}

/** `pid` is of a process in the pod's namespaces; 0: none runs. */
export async function podInfo(node: Node, pod: Pod): Promise<Record<string, unknown>> {
  const { config, handler, cgroup, namespaces, state, stopReason, ips } = pod.record;
  const volumes = await volumesOfPod(node, pod);
  const running = node.containersOf(pod.id).find(({ record }) => record.state === 'running');
  const pid = running?.record.pid ?? 0;
  const runtimeSpec = { hostname: config.hostname, linux: { cgroupsPath: cgroup, namespaces: pinned(namespaces) } };
  return { state, stopReason, pid, runtimeHandler: handler, cgroup, namespaces, ips, volumes, config, runtimeSpec };
}

/** As in an OCI specification: the host's own are not in it. */
function pinned({ network, ipc, uts, user }: NamespacePaths): { readonly type: string; readonly path: string }[] {
  const paths = Object.entries({ network, ipc, uts, user: user?.path ?? 'host' });
  return paths.filter(([, path]) => path !== 'host').map(([type, path]) => ({ type, path }));
}
