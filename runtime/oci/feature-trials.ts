/**
 * What an OCI runtime can do together with this kernel, tried with a container each: what `features` prints is about
 * the runtime alone, and an older one does not know the command.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { Cgroups } from '../cgroups/types.js';
import { requireReachable } from '../containers/reachable.js';
import { mountRootfs } from '../containers/rootfs.js';
import { CribError, messageOf } from '../errors.js';
import { CLONE, MS } from '../linux/constants.js';
import { parseMountInfo } from '../linux/mountinfo.js';
import { mount } from '../linux/mounts.js';
import { withUserNamespace } from '../linux/user-namespaces.js';
import { idMappingsOf } from '../spec/namespaces.js';
import type { RuntimeFacts, RuntimeFeatures } from './oci-runtime.js';
import { type ProbeSpec, probeRuntime, systemCommand, type Trial } from './probe.js';

export const NO_FEATURES: RuntimeFeatures = {
  recursiveReadOnly: false,
  userNamespaces: false,
  userNamespaceSubmounts: false,
  userNamespaceObstacle: 'it was not tried',
};

/** Ids that a host hardly uses; any would do. */
const RANGE = [{ containerId: 0, hostId: 65536, length: 65536 }];
const MAPPINGS = { uids: RANGE, gids: RANGE };

/** Tries everything; what fails is not there. `facts` is a runtime that can run a container. */
export async function tryFeatures(facts: RuntimeFacts, stateDir: string, cgroups: Cgroups): Promise<RuntimeFeatures> {
  const outcome = (trial: Trial) => probeRuntime(facts, stateDir, cgroups, trial).catch(messageOf);
  const recursive = await outcome(recursiveReadOnly);
  const namespaced = await outcome(userNamespace);
  const submounts = namespaced === undefined ? await outcome(submountsInUserNamespace) : namespaced;
  return {
    recursiveReadOnly: recursive === undefined,
    userNamespaces: namespaced === undefined,
    userNamespaceSubmounts: submounts === undefined,
    userNamespaceObstacle: namespaced ?? '',
  };
}

/** A tree with a tmpfs in it is mounted recursively read-only (`rro`; mount_setattr(2) of Linux 5.12). */
const recursiveReadOnly: Trial = {
  async prepare(spec: ProbeSpec, directory: string): Promise<void> {
    await showTree(spec, directory, ['rbind', 'rprivate', 'ro', 'rro']);
  },
  check(output: string): void {
    if (submount(output)?.options.includes('ro') === true) return;
    throw new CribError('FAILED_PRECONDITION', 'a mount below is writable');
  },
};

/** Mounts a tree with a tmpfs in it at /mnt and has the container print its mounts. */
async function showTree(spec: ProbeSpec, directory: string, options: readonly string[]): Promise<void> {
  const source = path.join(directory, 'source');
  fs.mkdirSync(path.join(source, 'sub'), { recursive: true });
  mount('tmpfs', path.join(source, 'sub'), 'tmpfs', 0);
  spec.mounts.push({ destination: '/mnt', type: 'bind', source, options });
  const command = await systemCommand('cat');
  if (command === undefined) throw new CribError('FAILED_PRECONDITION', 'this host has no `cat` to try with');
  spec.process = { ...spec.process, args: [...command, '/proc/self/mountinfo'] };
}

function submount(output: string) {
  return parseMountInfo(output).find(({ mountPoint }) => mountPoint === '/mnt/sub');
}

/** As a pod has it: the namespaces are pinned, the user namespace owns the others, the root is an overlay of id-mapped layers. */
const userNamespace: Trial = {
  async prepare(spec: ProbeSpec, directory: string): Promise<void> {
    await requireReachable(directory);
    const pins = path.join(directory, 'ns');
    fs.mkdirSync(pins);
    withUserNamespace(MAPPINGS, CLONE.NEWNET | CLONE.NEWIPC | CLONE.NEWUTS, (made) => {
      for (const kind of ['user', 'net', 'ipc', 'uts']) {
        fs.closeSync(fs.openSync(path.join(pins, kind), 'w', 0o600));
        mount(`${made}/${kind}`, path.join(pins, kind), '', MS.BIND);
      }
    });
    const target = path.join(directory, 'merged');
    const paths = { upper: path.join(directory, 'upper'), work: path.join(directory, 'work'), target };
    await mountRootfs([path.join(directory, 'rootfs')], paths, MAPPINGS);
    spec.root = { path: target };
    delete spec.hostname;
    const joined = { user: 'user', network: 'net', ipc: 'ipc', uts: 'uts' };
    spec.linux = {
      ...spec.linux,
      ...idMappingsOf(MAPPINGS),
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        ...Object.entries(joined).map(([type, name]) => ({ type, path: path.join(pins, name) })),
      ],
    };
  },
  check(): void {},
};

const submountsInUserNamespace: Trial = {
  async prepare(spec: ProbeSpec, directory: string): Promise<void> {
    await userNamespace.prepare(spec, directory);
    await showTree(spec, directory, ['rbind', 'rprivate']);
  },
  check(output: string): void {
    if (submount(output) === undefined) throw new CribError('FAILED_PRECONDITION', 'a mount below is left out');
  },
};
