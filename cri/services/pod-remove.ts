import type { RemovePodSandboxRequest, RemovePodSandboxResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf } from './validate.js';

export const removePodSandbox: Unary<RemovePodSandboxRequest, RemovePodSandboxResponse> = async ({ pods }, request) => {
  await pods.removePod(idOf(request.podSandboxId, 'pod_sandbox_id'));
  return {};
};
