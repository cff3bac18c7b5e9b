import {
  Container,
  type ListContainersRequest,
  type ListContainersResponse,
  type StreamContainersRequest,
  type StreamContainersResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { containerFilter } from './translate/filters.js';
import { containerMessage } from './translate/status.js';

export const listContainers: Unary<ListContainersRequest, ListContainersResponse> = async ({ pods }, request) => {
  return { containers: pods.listContainers(containerFilter(request.filter)).map(containerMessage) };
};

export const streamContainers: ServerStream<StreamContainersRequest, StreamContainersResponse> = async function* (
  { pods },
  request,
) {
  const found = pods.listContainers(containerFilter(request.filter)).map(containerMessage);
  for (const containers of batches(found, Container)) yield { containers };
};
