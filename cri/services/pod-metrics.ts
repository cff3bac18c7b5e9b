import {
  type ListMetricDescriptorsRequest,
  type ListMetricDescriptorsResponse,
  type ListPodSandboxMetricsRequest,
  type ListPodSandboxMetricsResponse,
  PodSandboxMetrics,
  type StreamPodSandboxMetricsRequest,
  type StreamPodSandboxMetricsResponse,
} from '../api/generated/index.js';
import type { ServerStream, Unary } from './context.js';
import { encodedInTurn } from './in-turns.js';
import { metricDescriptors, podMetrics } from './metrics/table.js';

export const listMetricDescriptors: Unary<ListMetricDescriptorsRequest, ListMetricDescriptorsResponse> = async () => ({
  descriptors: metricDescriptors(),
});

export const listPodSandboxMetrics: Unary<ListPodSandboxMetricsRequest, ListPodSandboxMetricsResponse> = async ({
  pods,
}) => {
  const all = [];
  for await (const view of pods.podMetrics()) all.push(await encodedInTurn(view, PodSandboxMetrics, podMetrics));
  return { podMetrics: all };
};

/** A pod in a message: its metrics are some ten kilobytes. */
export const streamPodSandboxMetrics: ServerStream<StreamPodSandboxMetricsRequest, StreamPodSandboxMetricsResponse> =
  async function* ({ pods }) {
    for await (const view of pods.podMetrics())
      yield { podSandboxMetrics: [await encodedInTurn(view, PodSandboxMetrics, podMetrics)] };
  };
