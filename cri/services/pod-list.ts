import {
  type ListPodSandboxRequest,
  type ListPodSandboxResponse,
  PodSandbox,
  type StreamPodSandboxesRequest,
  type StreamPodSandboxesResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { podFilter } from './translate/filters.js';
import { podMessage } from './translate/status.js';

export const listPodSandbox: Unary<ListPodSandboxRequest, ListPodSandboxResponse> = async ({ pods }, request) => {
  return { items: pods.listPods(podFilter(request.filter)).map(podMessage) };
};

export const streamPodSandboxes: ServerStream<StreamPodSandboxesRequest, StreamPodSandboxesResponse> = async function* (
  { pods },
  request,
) {
  const found = pods.listPods(podFilter(request.filter)).map(podMessage);
  for (const podSandboxes of batches(found, PodSandbox)) yield { podSandboxes };
};
