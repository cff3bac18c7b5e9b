/** `crib rm`: removes containers and pods; those that run only by force, unlike in the CRI. */

import { CribError } from '../../../runtime/errors.js';
import { ContainerState, PodSandboxState } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { type Found, findContainerOrPod } from '../lookup.js';
import { toJson } from '../output.js';
import { removeLocalPod } from '../pod/local-pods.js';
import { logDirectoryIn, parseInfo } from '../verbose-info.js';
import { stopFound } from './stop.js';

/** What a container by `rm -f` has to end by itself. */
const GRACE_SECONDS = 2n;

export async function rm(
  invocation: Invocation,
  names: readonly string[],
  options: { readonly force?: boolean },
): Promise<void> {
  const ids = await withDaemon(invocation, async (cri) => {
    const found = await Promise.all(names.map((name) => findContainerOrPod(cri, name)));
    for (const [index, target] of found.entries()) {
      await removeFound(cri, target, names[index] ?? target.id, options.force === true);
      if (!invocation.json) process.stdout.write(`${names[index]}\n`);
    }
    return found.map(({ id }) => id);
  });
  if (invocation.json) process.stdout.write(`${toJson(ids)}\n`);
}

async function removeFound(cri: CriClient, target: Found, name: string, force: boolean): Promise<void> {
  if (isRunning(target)) {
    if (!force) {
      throw new CribError('FAILED_PRECONDITION', `${target.kind} ${name} runs: crib stop it first, or use crib rm -f`);
    }
    await stopFound(cri, target, GRACE_SECONDS);
  }
  if (target.kind === 'container') await cri.runtime.removeContainer({ containerId: target.id });
  else await removePod(cri, target.id);
}

/** With its volumes and logs where `crib run` has made it; a kubelet removes its own. */
async function removePod(cri: CriClient, podSandboxId: string): Promise<void> {
  const { status, info } = await cri.runtime.podSandboxStatus({ podSandboxId, verbose: true });
  await cri.runtime.removePodSandbox({ podSandboxId });
  await removeLocalPod(logDirectoryIn(parseInfo(info)), status?.metadata?.uid ?? '');
}

function isRunning(target: Found): boolean {
  if (target.kind === 'container') return target.container.state === ContainerState.CONTAINER_RUNNING;
  return target.kind === 'pod' && target.pod.state === PodSandboxState.SANDBOX_READY;
}
