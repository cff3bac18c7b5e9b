/** `crib pods`: the pods. */

import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { humanAge, shortId, table, toJson } from '../output.js';
import { podStateWord } from '../words.js';

export async function pods(invocation: Invocation): Promise<void> {
  const { items } = await withDaemon(invocation, (cri) => cri.runtime.listPodSandbox({}));
  const newestFirst = [...items].sort((a, b) => Number(b.createdAt - a.createdAt));
  if (invocation.json) {
    process.stdout.write(`${toJson(newestFirst)}\n`);
    return;
  }
  const rows = newestFirst.map((pod) => [
    shortId(pod.id),
    pod.metadata?.namespace ?? '',
    pod.metadata?.name ?? '',
    podStateWord(pod.state),
    pod.runtimeHandler || '(default)',
    humanAge(pod.createdAt),
  ]);
  process.stdout.write(`${table(['POD', 'NAMESPACE', 'NAME', 'STATE', 'HANDLER', 'CREATED'], rows)}\n`);
}
