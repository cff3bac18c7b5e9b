import { nowNs } from '../../runtime/clock.js';
import type { PodSandboxStatusRequest, PodSandboxStatusResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { info } from './info.js';
import { containerStatusMessage, podStatusMessage } from './translate/status.js';
import { idOf } from './validate.js';

export const podSandboxStatus: Unary<PodSandboxStatusRequest, PodSandboxStatusResponse> = async (context, request) => {
  const view = context.pods.podStatus(idOf(request.podSandboxId, 'pod_sandbox_id'));
  // What a kubelet makes its status of must not be older than what it says (pleg/evented.go compares times).
  const timestamp = nowNs();
  return {
    status: podStatusMessage(view),
    containersStatuses: context.pods
      .containersOfPod(view.id)
      .map((container) => containerStatusMessage(container, context.images)),
    timestamp,
    info: request.verbose ? info(await context.pods.podInfo(view.id)) : {},
  };
};
