import {
  type ListPodSandboxRequest,
  type ListPodSandboxResponse,
  PodSandbox,
  type StreamPodSandboxesRequest,
  type StreamPodSandboxesResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { encodedOnce } from './encoded-once.js';
import { podFilter } from './translate/filters.js';
import { podMessage } from './translate/status.js';

const message = encodedOnce(PodSandbox, podMessage);

export const listPodSandbox: Unary<ListPodSandboxRequest, ListPodSandboxResponse> = async ({ pods }, request) => {
  return { items: pods.listPods(podFilter(request.filter)).map(message) };
};

export const streamPodSandboxes: ServerStream<StreamPodSandboxesRequest, StreamPodSandboxesResponse> = async function* (
  { pods },
  request,
) {
  const found = pods.listPods(podFilter(request.filter)).map(message);
  for (const podSandboxes of batches(found, PodSandbox)) yield { podSandboxes };
};
