/**
 * A pod's own namespaces, without a process in them: made by unshare(2) on this thread, pinned by bind mounts of
 * /proc/thread-self/ns/*, left again before anything else runs. All calls are synchronous and take 1 ms together
 * (docs/adr/002), so no other code of this process can see the wrong namespaces; a thread that cannot get back ends
 * the process, and the next start cleans up.
 */

import fs from 'node:fs';
import path from 'node:path';
import { CLONE, MS } from '../../runtime/linux/constants.js';
import { setLoopbackUp } from '../../runtime/linux/interfaces.js';
import { mount } from '../../runtime/linux/mounts.js';
import { setHostname, setNamespace, unshare } from '../../runtime/linux/namespaces.js';

export type PinnedNamespace = 'net' | 'ipc' | 'uts';

const FLAGS: Readonly<Record<PinnedNamespace, number>> = {
  net: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
};

export interface NamespaceRequest {
  readonly kinds: readonly PinnedNamespace[];
  /** An existing directory; each namespace is pinned at a file of its kind's name in it. */
  readonly directory: string;
  readonly hostname: string;
  readonly sysctls: Readonly<Record<string, string>>;
}

/** Makes, configures and pins namespaces. Throws the first failure; what was pinned by then stays for the caller to unmount. */
export function pinNamespaces(request: NamespaceRequest): void {
  if (request.kinds.length === 0) return;
  const home = request.kinds.map((kind) => fs.openSync(`/proc/thread-self/ns/${kind}`, 'r'));
  try {
    unshare(request.kinds.reduce((flags, kind) => flags | FLAGS[kind], 0));
    try {
      configure(request);
      for (const kind of request.kinds) pin(kind, request.directory);
    } finally {
      returnHome(home);
    }
  } finally {
    for (const fd of home) fs.closeSync(fd);
  }
}

function configure({ kinds, hostname, sysctls }: NamespaceRequest): void {
  if (kinds.includes('net')) setLoopbackUp();
  if (kinds.includes('uts') && hostname !== '') setHostname(hostname);
  for (const [key, value] of Object.entries(sysctls)) fs.writeFileSync(sysctlPath(key), value);
}

/** `net.ipv4.ip_forward` to its file; a slash in the key stands for a dot in a name, as sysctl(8) has it. */
function sysctlPath(key: string): string {
  const components = key.split('.').map((component) => component.replaceAll('/', '.'));
  return path.join('/proc/sys', ...components);
}

function pin(kind: PinnedNamespace, directory: string): void {
  const target = path.join(directory, kind);
  fs.closeSync(fs.openSync(target, 'w', 0o600));
  mount(`/proc/thread-self/ns/${kind}`, target, '', MS.BIND);
}

function returnHome(home: readonly number[]): void {
  try {
    for (const fd of home) setNamespace(fd, 0);
  } catch (error) {
    process.stderr.write(`crib: cannot return to the host's namespaces: ${String(error)}\n`);
    process.abort();
  }
}
