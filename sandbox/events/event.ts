/** What happened to a pod or container, with the pod as it was at that moment. */

import { type ContainerRecord, containerView } from '../container-record.js';
import { type PodRecord, podView } from '../pod-record.js';
import type { ContainerEvent } from '../types.js';

export type EventType = ContainerEvent['type'];
export const EVENT_TYPES: readonly EventType[] = ['created', 'started', 'stopped', 'deleted'];

/** As it is kept: records, which are JSON, and which nobody changes once they are made. */
export interface RecordedEvent {
  /** Rises by one with each event, also over restarts. */
  readonly seq: number;
  readonly type: EventType;
  /** The pod's own id where the event is the pod's. */
  readonly containerId: string;
  readonly podId: string;
  /** Nanoseconds since the epoch, decimal. */
  readonly createdAt: string;
  /** undefined where nothing is known of the pod any more. */
  readonly pod: PodRecord | undefined;
  /** Of all sandboxes of the pod's uid, as the kubelet's pod status has them. */
  readonly containers: readonly ContainerRecord[];
}

export function eventView(event: RecordedEvent): ContainerEvent {
  const { type, containerId, podId, createdAt, pod, containers } = event;
  return {
    type,
    containerId,
    podId,
    createdAt: BigInt(createdAt),
    pod: pod === undefined ? undefined : podView(pod),
    containers: containers.map(containerView),
  };
}
