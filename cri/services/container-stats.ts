import {
  ContainerStats,
  type ContainerStatsRequest,
  type ContainerStatsResponse,
  type ListContainerStatsRequest,
  type ListContainerStatsResponse,
  type StreamContainerStatsRequest,
  type StreamContainerStatsResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { encodedInTurns } from './in-turns.js';
import { statsFilter } from './translate/filters.js';
import { containerStats } from './translate/stats.js';
import { idOf } from './validate.js';

export const statsOfContainer: Unary<ContainerStatsRequest, ContainerStatsResponse> = async ({ pods }, request) => {
  return { stats: containerStats(await pods.containerStats(idOf(request.containerId, 'container_id'))) };
};

export const listContainerStats: Unary<ListContainerStatsRequest, ListContainerStatsResponse> = async (
  { pods },
  request,
) => {
  const found = await pods.listContainerStats(statsFilter(request.filter));
  return { stats: await encodedInTurns(found, ContainerStats, containerStats) };
};

export const streamContainerStats: ServerStream<StreamContainerStatsRequest, StreamContainerStatsResponse> =
  async function* ({ pods }, request) {
    const found = await pods.listContainerStats(statsFilter(request.filter));
    const messages = await encodedInTurns(found, ContainerStats, containerStats);
    for (const part of batches(messages, ContainerStats)) yield { containerStats: part };
  };
