/** `crib stop`: stops containers and pods. */

import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { type Found, findContainerOrPod } from '../lookup.js';
import { toJson } from '../output.js';

export async function stop(
  invocation: Invocation,
  names: readonly string[],
  options: { readonly timeout: number },
): Promise<void> {
  const ids = await withDaemon(invocation, async (cri) => {
    const found = await Promise.all(names.map((name) => findContainerOrPod(cri, name)));
    for (const [index, target] of found.entries()) {
      await stopFound(cri, target, BigInt(options.timeout));
      if (!invocation.json) process.stdout.write(`${names[index]}\n`);
    }
    return found.map(({ id }) => id);
  });
  if (invocation.json) process.stdout.write(`${toJson(ids)}\n`);
}

/** StopPodSandbox kills; so a pod's containers are given their time first, as the kubelet does. `timeout` in seconds. */
export async function stopFound(cri: CriClient, target: Found, timeout: bigint): Promise<void> {
  if (target.kind === 'container') {
    await stopContainer(cri, target.id, timeout);
    return;
  }
  const { containers } = await cri.runtime.listContainers({ filter: { podSandboxId: target.id } });
  await Promise.all(containers.map(({ id }) => stopContainer(cri, id, timeout)));
  await cri.runtime.stopPodSandbox({ podSandboxId: target.id });
}

/** What the daemon may take beyond the grace period. */
const SLACK_MS = 60_000;

/** `timeout` in seconds; 0 kills at once. */
export async function stopContainer(cri: CriClient, containerId: string, timeout: bigint): Promise<void> {
  await cri.runtime.stopContainer({ containerId, timeout }, { timeoutMs: Number(timeout) * 1000 + SLACK_MS });
}
