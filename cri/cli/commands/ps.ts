/** `crib ps`: the containers. */

import { ContainerState } from '../../api/generated/index.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { humanAge, shortId, table, toJson } from '../output.js';
import { containerStateWord } from '../words.js';

export async function ps(invocation: Invocation, options: { readonly all?: boolean }): Promise<void> {
  const [{ containers }, { items }] = await withDaemon(invocation, (cri) => {
    const filter = options.all === true ? {} : { filter: { state: { state: ContainerState.CONTAINER_RUNNING } } };
    return Promise.all([cri.runtime.listContainers(filter), cri.runtime.listPodSandbox({})]);
  });
  const newestFirst = [...containers].sort((a, b) => Number(b.createdAt - a.createdAt));
  if (invocation.json) {
    process.stdout.write(`${toJson(newestFirst)}\n`);
    return;
  }
  const pods = new Map(items.map((pod) => [pod.id, pod.metadata?.name ?? '']));
  const rows = newestFirst.map((container) => [
    shortId(container.id),
    container.metadata?.name ?? '',
    pods.get(container.podSandboxId) ?? shortId(container.podSandboxId),
    containerStateWord(container.state),
    String(container.metadata?.attempt ?? 0),
    humanAge(container.createdAt),
    container.image?.userSpecifiedImage || container.image?.image || shortId(container.imageId),
  ]);
  process.stdout.write(`${table(['CONTAINER', 'NAME', 'POD', 'STATE', 'ATTEMPT', 'CREATED', 'IMAGE'], rows)}\n`);
}
