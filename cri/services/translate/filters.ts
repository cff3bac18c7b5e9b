/** Filters of list calls. An empty id is no filter. */

import type { ContainerFilter, ContainerView, PodFilter } from '../../../sandbox/types.js';
import type * as api from '../../api/generated/index.js';
import { enumOf, idOf } from '../validate.js';

const POD_STATES = ['ready', 'not-ready'] as const;
const CONTAINER_STATES: readonly ContainerView['state'][] = ['created', 'running', 'exited', 'unknown'];

export function podFilter(filter: api.PodSandboxFilter | undefined): PodFilter {
  if (filter === undefined) return {};
  return {
    ...(filter.id === '' ? {} : { id: idOf(filter.id, 'filter.id') }),
    ...(filter.state === undefined ? {} : { state: enumOf(filter.state.state, POD_STATES, 'filter.state.state') }),
    labels: filter.labelSelector,
  };
}

export function containerFilter(filter: api.ContainerFilter | undefined): ContainerFilter {
  if (filter === undefined) return {};
  return {
    ...statsFilter(filter),
    ...(filter.state === undefined
      ? {}
      : { state: enumOf(filter.state.state, CONTAINER_STATES, 'filter.state.state') }),
  };
}

/** ContainerStatsFilter, and what ContainerFilter has in common with it. */
export function statsFilter(
  filter: Pick<api.ContainerStatsFilter, 'id' | 'podSandboxId' | 'labelSelector'> | undefined,
): ContainerFilter {
  if (filter === undefined) return {};
  return {
    ...(filter.id === '' ? {} : { id: idOf(filter.id, 'filter.id') }),
    ...(filter.podSandboxId === '' ? {} : { podId: idOf(filter.podSandboxId, 'filter.pod_sandbox_id') }),
    labels: filter.labelSelector,
  };
}

export function podStatsFilter(filter: api.PodSandboxStatsFilter | undefined): PodFilter {
  if (filter === undefined) return {};
  return {
    ...(filter.id === '' ? {} : { id: idOf(filter.id, 'filter.id') }),
    labels: filter.labelSelector,
  };
}
