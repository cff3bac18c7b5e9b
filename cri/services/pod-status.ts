import type { PodSandboxStatusRequest, PodSandboxStatusResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { info } from './info.js';
import { containerStatusMessage, podStatusMessage } from './translate/status.js';
import { idOf } from './validate.js';

export const podSandboxStatus: Unary<PodSandboxStatusRequest, PodSandboxStatusResponse> = async (context, request) => {
  const view = context.pods.podStatus(idOf(request.podSandboxId, 'pod_sandbox_id'));
  const containers = context.pods.listContainers({ podId: view.id });
  return {
    status: podStatusMessage(view),
    containersStatuses: containers.map((container) => containerStatusMessage(container, context.images)),
    timestamp: BigInt(Date.now()) * 1_000_000n,
    info: request.verbose ? info(await context.pods.podInfo(view.id)) : {},
  };
};
