/** `crib stats`: what the running containers use. */

import type { ContainerStats } from '../../api/generated/index.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { humanSize, shortId, table, toJson } from '../output.js';

/** The daemon reads each cgroup at most once a second; a rate needs two samples. */
const SAMPLE_MS = 1_100;

export async function stats(invocation: Invocation): Promise<void> {
  const list = await withDaemon(invocation, async (cri) => {
    const first = (await cri.runtime.listContainerStats({})).stats;
    if (first.length === 0 || first.every(({ cpu }) => cpu?.usageNanoCores !== undefined)) return first;
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    return (await cri.runtime.listContainerStats({})).stats;
  });
  const text = invocation.json ? toJson(list) : table(['CONTAINER', 'NAME', 'CPU', 'MEMORY', 'DISK'], list.map(row));
  process.stdout.write(`${text}\n`);
}

function row({ attributes, cpu, memory, writableLayer }: ContainerStats): string[] {
  const bytes = (value: bigint | undefined) => (value === undefined ? '-' : humanSize(Number(value)));
  const cores = cpu?.usageNanoCores?.value;
  return [
    shortId(attributes?.id ?? ''),
    attributes?.metadata?.name ?? '',
    cores === undefined ? '-' : `${(Number(cores) / 1e7).toFixed(1)}%`,
    bytes(memory?.workingSetBytes?.value),
    bytes(writableLayer?.usedBytes?.value),
  ];
}
