/** The verified volumes of a container once it is made: what changes in them is no longer what the pod asked for. */

import { attempting, messageOf } from '../runtime/errors.js';
import { Recheck } from '../volumes/verity/recheck.js';
import type { VerityError } from '../volumes/verity/verified-mount.js';
import type { Container, ContainerRecord } from './container-record.js';
import { killContainer } from './container-stop.js';
import type { Node } from './node.js';
import { stopOnPanic } from './volume-panic.js';

/** Before it starts. Throws VerityError (as a cause) for a volume that has changed since the container was made. */
export async function requireUnchanged({ volumes }: ContainerRecord, signal: AbortSignal): Promise<void> {
  for (const decision of volumes) {
    try {
      await Recheck.of(decision)?.run(signal);
    } catch (error) {
      throw attempting(`looking again at the verified volume ${nameOf(decision.watched, decision.hostPath)}`, error);
    }
  }
}

/** While it runs, if it does; also after a restart of cribd. Ends by itself. */
export function followVolumes(node: Node, container: Container): void {
  const pod = node.pods.find(container.record.podId);
  if (pod === undefined || container.record.state !== 'running') return;
  node.rechecks.follow({
    id: container.id,
    volumes: container.record.volumes,
    wanted: () => container.record.state === 'running' && node.containers.find(container.id) === container,
    onMismatch: (error) => endOf(node, container, error),
    signal: pod.ending,
  });
}

/** `error`: it must not read on. `panic`: nor must the others of its pod. */
async function endOf(node: Node, container: Container, error: VerityError): Promise<void> {
  const { log } = node.parts;
  const pod = node.pods.find(container.record.podId);
  const message = `a verified volume has changed: ${messageOf(error)}`;
  log.warn({ container: container.id, action: error.action }, message);
  try {
    await node.updateContainer(container, { message });
    if (error.action === 'panic' && pod !== undefined) await stopOnPanic(node, pod, error);
    else await killContainer(node, container);
  } catch (failure) {
    log.error(
      { container: container.id, error: messageOf(failure) },
      'a container whose volume has changed still runs',
    );
  }
}

function nameOf(watched: { readonly request: { readonly name: string } } | undefined, hostPath: string): string {
  return watched === undefined ? hostPath : `"${watched.request.name}" (${hostPath})`;
}
