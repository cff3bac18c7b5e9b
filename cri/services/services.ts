/**
 * The CRI's two services, a file a call. A call translates and validates; what it means is in `sandbox/` and
 * `runtime/images`.
 */

import type { ImageService, RuntimeService } from '../api/generated/index.js';
import type { Call, Handlers } from '../call.js';
import type { Services } from '../server.js';
import { attach } from './container-attach.js';
import { checkpointContainer } from './container-checkpoint.js';
import { createContainer } from './container-create.js';
import { getContainerEvents } from './container-events.js';
import { exec } from './container-exec.js';
import { execSync } from './container-exec-sync.js';
import { listContainers, streamContainers } from './container-list.js';
import { removeContainer } from './container-remove.js';
import { reopenContainerLog } from './container-reopen-log.js';
import { startContainer } from './container-start.js';
import { listContainerStats, statsOfContainer, streamContainerStats } from './container-stats.js';
import { containerStatus } from './container-status.js';
import { stopContainer } from './container-stop.js';
import { updateContainerResources } from './container-update.js';
import type { Calls, ServiceContext } from './context.js';
import { imageFsInfo } from './image-fs-info.js';
import { listImages, streamImages } from './image-list.js';
import { pullImage } from './image-pull.js';
import { removeImage } from './image-remove.js';
import { imageStatus } from './image-status.js';
import { listPodSandbox, streamPodSandboxes } from './pod-list.js';
import { listMetricDescriptors, listPodSandboxMetrics, streamPodSandboxMetrics } from './pod-metrics.js';
import { portForward } from './pod-port-forward.js';
import { removePodSandbox } from './pod-remove.js';
import { runPodSandbox } from './pod-run.js';
import { listPodSandboxStats, podSandboxStats, streamPodSandboxStats } from './pod-stats.js';
import { podSandboxStatus } from './pod-status.js';
import { stopPodSandbox } from './pod-stop.js';
import { updatePodSandboxResources } from './pod-update.js';
import { runtimeConfig, updateRuntimeConfig } from './runtime-config.js';
import { status } from './status.js';
import { version } from './version.js';

export const RUNTIME_CALLS: Calls<typeof RuntimeService> = {
  version,
  status,
  runtimeConfig,
  updateRuntimeConfig,
  runPodSandbox,
  stopPodSandbox,
  removePodSandbox,
  podSandboxStatus,
  listPodSandbox,
  streamPodSandboxes,
  updatePodSandboxResources,
  podSandboxStats,
  listPodSandboxStats,
  streamPodSandboxStats,
  createContainer,
  startContainer,
  stopContainer,
  removeContainer,
  containerStatus,
  listContainers,
  streamContainers,
  updateContainerResources,
  reopenContainerLog,
  execSync,
  containerStats: statsOfContainer,
  listContainerStats,
  streamContainerStats,
  exec,
  attach,
  portForward,
  checkpointContainer,
  listMetricDescriptors,
  listPodSandboxMetrics,
  streamPodSandboxMetrics,
  getContainerEvents,
};

export const IMAGE_CALLS: Calls<typeof ImageService> = {
  listImages,
  streamImages,
  imageStatus,
  pullImage,
  removeImage,
  imageFsInfo,
};

/** Both services over one node's pods and images. */
export function createServices(context: ServiceContext): Services {
  return { runtime: bindAll(RUNTIME_CALLS, context), images: bindAll(IMAGE_CALLS, context) };
}

type AnyCall = (context: ServiceContext, request: object, signal: AbortSignal, header: Call['header']) => unknown;

/** `Calls` and `Handlers` pair the same methods with the same messages; the loop forgets which. */
function bindAll<Service>(calls: Calls<Service>, context: ServiceContext): Handlers<Service> {
  const bound = Object.entries(calls).map(([name, call]) => [
    name,
    (request: object, { signal, header }: Call) => (call as AnyCall)(context, request, signal, header),
  ]);
  return Object.fromEntries(bound) as Handlers<Service>;
}
