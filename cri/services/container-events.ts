import type { ContainerEvent } from '../../sandbox/types.js';
import { type ContainerEventResponse, ContainerEventType, type GetEventsRequest } from '../api/generated/index.js';
import type { ServerStream } from './context.js';
import { containerStatusMessage, podStatusMessage } from './translate/status.js';

/** The header of a client that only shows events to somebody: what it is sent is kept for a kubelet all the same. */
export const ONLOOKER = 'crib-onlooker';

const TYPES: Readonly<Record<ContainerEvent['type'], number>> = {
  created: ContainerEventType.CONTAINER_CREATED_EVENT,
  started: ContainerEventType.CONTAINER_STARTED_EVENT,
  stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  deleted: ContainerEventType.CONTAINER_DELETED_EVENT,
};

export const getContainerEvents: ServerStream<GetEventsRequest, ContainerEventResponse> = async function* (
  { pods, images },
  _request,
  signal,
  header,
) {
  for await (const event of pods.events(signal, header(ONLOOKER) !== undefined)) {
    yield {
      containerId: event.containerId,
      containerEventType: TYPES[event.type],
      createdAt: event.createdAt,
      podSandboxStatus: event.pod === undefined ? undefined : podStatusMessage(event.pod),
      containersStatuses: event.containers.map((container) => containerStatusMessage(container, images)),
    };
  }
};
