/** At start-up: events of what happened, but was not yet in the journal when cribd died. */

import type { Node } from '../node.js';
import type { EventType } from './event.js';
import type { JournalState } from './journal.js';

/** Publishes what the records have come through and the journal does not know. To be called once all are loaded. */
export function announceMissing(node: Node, { existed, last }: JournalState): void {
  if (!existed) return;
  for (const pod of node.pods.values()) {
    const { state, id } = pod.record;
    if (state === 'creating') continue;
    const passed: EventType[] = state === 'not-ready' ? ['created', 'started', 'stopped'] : ['created', 'started'];
    publishFrom(node, passed, last.get(id)?.type, id, id);
  }
  for (const container of node.containers.values()) {
    const { state, id, podId, pid } = container.record;
    const passed: EventType[] = ['created'];
    if (pid > 0) passed.push('started');
    if (state === 'exited') passed.push('stopped');
    publishFrom(node, passed, last.get(id)?.type, id, podId);
  }
  for (const [id, { podId }] of last) {
    if (node.pods.find(id) === undefined && node.containers.find(id) === undefined) node.emit('deleted', id, podId);
  }
}

function publishFrom(
  node: Node,
  passed: readonly EventType[],
  known: EventType | undefined,
  id: string,
  podId: string,
): void {
  const start = known === undefined ? 0 : passed.indexOf(known) + 1;
  for (const type of passed.slice(start)) node.emit(type, id, podId);
}
