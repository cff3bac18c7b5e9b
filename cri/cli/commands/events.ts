/** `crib events`: what happens to pods and containers, a line each, as a kubelet is told it, and without taking it from one. */

import { type ContainerEventResponse, ContainerEventType } from '../../api/generated/index.js';
import { ONLOOKER } from '../../services/container-events.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { writeAll } from '../log-printer.js';
import { shortId, toJson } from '../output.js';

const WORDS: ReadonlyMap<number, string> = new Map([
  [ContainerEventType.CONTAINER_CREATED_EVENT, 'created'],
  [ContainerEventType.CONTAINER_STARTED_EVENT, 'started'],
  [ContainerEventType.CONTAINER_STOPPED_EVENT, 'stopped'],
  [ContainerEventType.CONTAINER_DELETED_EVENT, 'deleted'],
]);

export function events(invocation: Invocation): Promise<void> {
  return withDaemon(invocation, async (cri) => {
    for await (const event of cri.runtime.getContainerEvents({}, { metadata: { [ONLOOKER]: '1' } })) {
      await writeAll(process.stdout, `${invocation.json ? toJson(event, 0) : eventLine(event)}\n`);
    }
  });
}

/** When, what, to which: `2026-01-02T03:04:05.678Z started container 0123456789abc web pod shop/front`. */
export function eventLine(event: ContainerEventResponse): string {
  const { containerId, containerEventType, createdAt, podSandboxStatus: pod, containersStatuses } = event;
  const time = new Date(Number(createdAt / 1_000_000n)).toISOString();
  const word = WORDS.get(containerEventType) ?? 'changed';
  const podName = pod?.metadata === undefined ? '' : `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
  // The event of a pod has the pod's id where a container's would stand.
  const container = containersStatuses.find(({ id }) => id === containerId);
  const isPod = pod?.id === containerId;
  const subject = isPod ? podName : `container ${shortId(containerId)} ${container?.metadata?.name ?? ''}`;
  const ending = word === 'stopped' && container !== undefined ? `exit code ${container.exitCode}` : '';
  const parts = [time, word, subject, isPod ? '' : podName, ending];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
}
