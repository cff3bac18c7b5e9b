/**
 * A pod's own namespaces, without a process in them: made by unshare(2) on this thread, pinned by bind mounts of
 * /proc/thread-self/ns/*, left again before anything else runs. All calls are synchronous and take 1 ms together
 * (docs/adr/002), so no other code of this process can see the wrong namespaces; a thread that cannot get back ends
 * the process, and the next start cleans up. With a user namespace they are made inside of that one, by a child
 * (docs/adr/008), and entered to be configured.
 */

import fs from 'node:fs';
import path from 'node:path';
import { type IdMappings, toHostId } from '../../runtime/containers/id-mappings.js';
import { CLONE, MS } from '../../runtime/linux/constants.js';
import { setLoopbackUp } from '../../runtime/linux/interfaces.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { mount } from '../../runtime/linux/mounts.js';
import { setHostname, setNamespace, unshare, withEffectiveUser } from '../../runtime/linux/namespaces.js';
import { withUserNamespace } from '../../runtime/linux/user-namespaces.js';

/** In the order in which they are let go. */
export const PINNED = ['net', 'ipc', 'uts', 'user'] as const;
export type PinnedNamespace = (typeof PINNED)[number];
/** Those that this thread can enter and leave. */
type Entered = Exclude<PinnedNamespace, 'user'>;

const FLAGS: Readonly<Record<Entered, number>> = {
  net: CLONE.NEWNET,
  ipc: CLONE.NEWIPC,
  uts: CLONE.NEWUTS,
};

export interface NamespaceRequest {
  readonly kinds: readonly Entered[];
  /** An existing directory; each namespace is pinned at a file of its kind's name in it. */
  readonly directory: string;
  readonly hostname: string;
  readonly sysctls: Readonly<Record<string, string>>;
  /** With it, a user namespace is made and pinned too, and owns the others. */
  readonly userNamespace?: IdMappings | undefined;
}

/** Makes, configures and pins namespaces. Throws the first failure; what was pinned by then stays for the caller to unmount. */
export function pinNamespaces(request: NamespaceRequest): void {
  const { kinds, directory, userNamespace } = request;
  const flags = kinds.reduce((all, kind) => all | FLAGS[kind], 0);
  if (userNamespace === undefined) {
    if (kinds.length > 0) whileAway(kinds, () => makeHere(request, flags));
    return;
  }
  withUserNamespace(userNamespace, flags, (made) => {
    for (const kind of [...kinds, 'user'] as const) pin(`${made}/${kind}`, path.join(directory, kind));
  });
  whileAway(kinds, () => configureThere(request));
}

function makeHere(request: NamespaceRequest, flags: number): void {
  unshare(flags);
  configure(request);
  for (const kind of request.kinds) pin(`/proc/thread-self/ns/${kind}`, path.join(request.directory, kind));
}

function configureThere(request: NamespaceRequest): void {
  for (const kind of request.kinds) enter(kind, path.join(request.directory, kind));
  configure(request);
}

function enter(kind: Entered, pinned: string): void {
  const fd = fs.openSync(pinned, 'r');
  try {
    setNamespace(fd, FLAGS[kind]);
  } finally {
    fs.closeSync(fd);
  }
}

/** Calls `make`, synchronous and short, in the network namespace pinned at `file`. A socket made there stays in it. */
export function inNetworkNamespace<Made>(file: string, make: () => Made): Made {
  return whileAway(['net'], () => {
    enter('net', file);
    return make();
  });
}

/** Runs `action`, which takes this thread to other namespaces of `kinds`, and comes back whatever happens. */
function whileAway<Result>(kinds: readonly Entered[], action: () => Result): Result {
  const home = kinds.map((kind) => fs.openSync(`/proc/thread-self/ns/${kind}`, 'r'));
  try {
    try {
      return action();
    } finally {
      returnHome(home);
    }
  } finally {
    for (const fd of home) fs.closeSync(fd);
  }
}

function configure({ kinds, hostname, sysctls, userNamespace }: NamespaceRequest): void {
  if (kinds.includes('net')) setLoopbackUp();
  if (kinds.includes('uts') && hostname !== '') setHostname(hostname);
  const root = userNamespace === undefined ? undefined : toHostId(userNamespace.uids, 0);
  for (const [key, value] of Object.entries(sysctls)) writeSysctl(sysctlPath(key), value, root);
}

/** Those of an IPC namespace belong to the root of the user namespace that owns it: the host's may not write them. */
function writeSysctl(file: string, value: string, root: number | undefined): void {
  try {
    fs.writeFileSync(file, value);
  } catch (error) {
    if (root === undefined || errnoName(error) !== 'EACCES') throw error;
    withEffectiveUser(root, () => fs.writeFileSync(file, value));
  }
}

/** `net.ipv4.ip_forward` to its file; a slash in the key stands for a dot in a name, as sysctl(8) has it. */
function sysctlPath(key: string): string {
  const components = key.split('.').map((component) => component.replaceAll('/', '.'));
  return path.join('/proc/sys', ...components);
}

function pin(namespace: string, target: string): void {
  fs.closeSync(fs.openSync(target, 'w', 0o600));
  mount(namespace, target, '', MS.BIND);
}

function returnHome(home: readonly number[]): void {
  try {
    for (const fd of home) setNamespace(fd, 0);
  } catch (error) {
    process.stderr.write(`crib: cannot return to the host's namespaces: ${String(error)}\n`);
    process.abort();
  }
}
