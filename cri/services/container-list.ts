import {
  Container,
  type ListContainersRequest,
  type ListContainersResponse,
  type StreamContainersRequest,
  type StreamContainersResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { encodedOnce } from './encoded-once.js';
import { containerFilter } from './translate/filters.js';
import { containerMessage } from './translate/status.js';

const message = encodedOnce(Container, containerMessage);

export const listContainers: Unary<ListContainersRequest, ListContainersResponse> = async ({ pods }, request) => {
  return { containers: pods.listContainers(containerFilter(request.filter)).map(message) };
};

export const streamContainers: ServerStream<StreamContainersRequest, StreamContainersResponse> = async function* (
  { pods },
  request,
) {
  const found = pods.listContainers(containerFilter(request.filter)).map(message);
  for (const containers of batches(found, Container)) yield { containers };
};
