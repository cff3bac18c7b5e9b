import type {
  ListMetricDescriptorsRequest,
  ListMetricDescriptorsResponse,
  ListPodSandboxMetricsRequest,
  ListPodSandboxMetricsResponse,
  StreamPodSandboxMetricsRequest,
  StreamPodSandboxMetricsResponse,
} from '../api/generated/index.js';
import type { ServerStream, Unary } from './context.js';
import { metricDescriptors, podMetrics } from './metrics/table.js';

export const listMetricDescriptors: Unary<ListMetricDescriptorsRequest, ListMetricDescriptorsResponse> = async () => ({
  descriptors: metricDescriptors(),
});

export const listPodSandboxMetrics: Unary<ListPodSandboxMetricsRequest, ListPodSandboxMetricsResponse> = async ({
  pods,
}) => {
  const all = [];
  for await (const view of pods.podMetrics()) all.push(podMetrics(view));
  return { podMetrics: all };
};

/** A pod in a message: its metrics are some ten kilobytes. */
export const streamPodSandboxMetrics: ServerStream<StreamPodSandboxMetricsRequest, StreamPodSandboxMetricsResponse> =
  async function* ({ pods }) {
    for await (const view of pods.podMetrics()) yield { podSandboxMetrics: [podMetrics(view)] };
  };
