/** What pods may ask for that needs more than the kernel and an OCI runtime that runs. */

import net from 'node:net';
import { messageOf } from '../../../runtime/errors.js';
import { errnoName } from '../../../runtime/linux/libc.js';
import { criuObstacle } from '../../../runtime/oci/criu.js';
import type { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { parseAddress } from '../../streaming/address.js';
import { type Check, limited, missing, ok, readText, which } from './check.js';

/** What was tried with a container each. Of a runtime that works. */
export function runtimeFeatureChecks({ name, features }: Pick<OciRuntime, 'name' | 'features'>): Check[] {
  const { recursiveReadOnly, userNamespaces, userNamespaceSubmounts, userNamespaceObstacle } = features;
  const recursive = `recursive read-only mounts, ${name}`;
  const namespaced = `user namespaces, ${name}`;
  const newer = 'install runc 1.1 or crun 1.4, or later';
  const submounts = userNamespaceSubmounts ? '' : '; mounts below a volume are left out in them';
  return [
    recursiveReadOnly
      ? ok(recursive, 'tried: what is mounted below is read-only too')
      : limited(recursive, 'what is mounted below stays writable: pods that require it are refused', newer),
    userNamespaces
      ? ok(namespaced, `tried with a container${submounts}`)
      : limited(namespaced, userNamespaceObstacle, newer),
  ];
}

/** For CheckpointContainer. */
export async function checkpointCheck(): Promise<Check> {
  const obstacle = await criuObstacle();
  if (obstacle === undefined) return ok('CRIU', 'containers can be checkpointed');
  return limited('CRIU', `no checkpoints: ${obstacle}`, 'install a CRIU that knows this kernel');
}

/** Loads the profile of pods that ask for RuntimeDefault. */
export async function apparmorCheck(): Promise<Check[]> {
  const modules = (await readText('/sys/kernel/security/lsm')) ?? '';
  if (!modules.split(',').includes('apparmor')) return [];
  const file = await which('apparmor_parser');
  if (file !== undefined) return [ok('apparmor_parser', `${file}: loads the default profile`)];
  const detail = 'AppArmor is on, and its default profile cannot be loaded';
  return [limited('apparmor_parser', detail, 'apt-get install apparmor')];
}

/** Exec, attach and port-forward: the kubelet connects to it, from this host. */
export async function streamingCheck(streamingAddress: string): Promise<Check> {
  const what = 'streaming address';
  try {
    const { host, port } = parseAddress(streamingAddress);
    await listenOnce(host, port);
    return ok(what, `${streamingAddress} can be listened on: exec, attach, port-forward`);
  } catch (error) {
    if (errnoName(error) === 'EADDRINUSE') {
      return ok(what, `${streamingAddress} is in use: by crib serve, if that runs now`);
    }
    const mend = 'set streaming_address to 127.0.0.1:0, or to an address that this host has';
    return missing(what, `${streamingAddress}: ${messageOf(error)}`, mend);
  }
}

function listenOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}
