/** Which sysctls a pod may set: those that a namespace of its own holds (namespaces(7), sysctl(7)). */

import { CribError } from '../../runtime/errors.js';
import type { PodConfig } from '../config.js';

/** Held by the IPC namespace (ipc_namespaces(7)). */
const IPC = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/**
 * The sysctls to write for this pod: its own, and the two with which an unprivileged process can bind low ports and
 * ping in a network namespace of its own, as containerd 2 sets them. Throws INVALID_ARGUMENT for one that would
 * change the host.
 */
export function podSysctls(config: PodConfig): Record<string, string> {
  const ownNetwork = config.security.namespaces.network !== 'node';
  const ownIpc = config.security.namespaces.ipc !== 'node';
  const requested: Record<string, string> = {};
  for (const [key, value] of Object.entries(config.sysctls)) {
    const name = key.includes('/') && !key.includes('.') ? key.replaceAll('/', '.') : key;
    checkNamespaced(name, ownNetwork, ownIpc);
    requested[name] = value;
  }
  const defaults = ownNetwork
    ? { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' }
    : {};
  return { ...defaults, ...requested };
}

function checkNamespaced(name: string, ownNetwork: boolean, ownIpc: boolean): void {
  const field = `config.linux.sysctls[${JSON.stringify(name)}]`;
  if (!/^[a-z0-9_-]+(\.[A-Za-z0-9_/-]+)+$/.test(name) || name.split(/[./]/).includes('')) {
    throw new CribError('INVALID_ARGUMENT', `${field} is not the name of a sysctl`);
  }
  if (name.startsWith('net.')) {
    if (ownNetwork) return;
    throw new CribError(
      'INVALID_ARGUMENT',
      `${field} would change the host: the pod uses the host's network namespace`,
    );
  }
  if (IPC.has(name) || name.startsWith('fs.mqueue.')) {
    if (ownIpc) return;
    throw new CribError('INVALID_ARGUMENT', `${field} would change the host: the pod uses the host's IPC namespace`);
  }
  throw new CribError('INVALID_ARGUMENT', `${field} is not namespaced: it would change the whole host`);
}
