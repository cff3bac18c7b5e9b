import type { StopPodSandboxRequest, StopPodSandboxResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf } from './validate.js';

export const stopPodSandbox: Unary<StopPodSandboxRequest, StopPodSandboxResponse> = async ({ pods }, request) => {
  await pods.stopPod(idOf(request.podSandboxId, 'pod_sandbox_id'));
  return {};
};
