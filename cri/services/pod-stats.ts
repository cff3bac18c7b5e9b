import {
  type ListPodSandboxStatsRequest,
  type ListPodSandboxStatsResponse,
  PodSandboxStats,
  type PodSandboxStatsRequest,
  type PodSandboxStatsResponse,
  type StreamPodSandboxStatsRequest,
  type StreamPodSandboxStatsResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { encodedInTurns } from './in-turns.js';
import { podStatsFilter } from './translate/filters.js';
import { podStats } from './translate/stats.js';
import { idOf } from './validate.js';

export const podSandboxStats: Unary<PodSandboxStatsRequest, PodSandboxStatsResponse> = async ({ pods }, request) => {
  return { stats: podStats(await pods.podStats(idOf(request.podSandboxId, 'pod_sandbox_id'))) };
};

export const listPodSandboxStats: Unary<ListPodSandboxStatsRequest, ListPodSandboxStatsResponse> = async (
  { pods },
  request,
) => {
  const found = await pods.listPodStats(podStatsFilter(request.filter));
  return { stats: await encodedInTurns(found, PodSandboxStats, podStats) };
};

export const streamPodSandboxStats: ServerStream<StreamPodSandboxStatsRequest, StreamPodSandboxStatsResponse> =
  async function* ({ pods }, request) {
    const found = await pods.listPodStats(podStatsFilter(request.filter));
    const messages = await encodedInTurns(found, PodSandboxStats, podStats);
    for (const podSandboxStats of batches(messages, PodSandboxStats)) yield { podSandboxStats };
  };
