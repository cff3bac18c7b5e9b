import type { CreateContainerRequest, CreateContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { containerConfigOf } from './translate/container-config.js';
import { podConfigOf } from './translate/pod-config.js';
import { idOf, refuse } from './validate.js';

export const createContainer: Unary<CreateContainerRequest, CreateContainerResponse> = async ({ pods }, request) => {
  const podId = idOf(request.podSandboxId, 'pod_sandbox_id');
  const config = containerConfigOf(request.config, 'config');
  const podConfig = request.sandboxConfig && podConfigOf(request.sandboxConfig, 'sandbox_config');
  if (config.security.privileged && !pods.podStatus(podId).config.security.privileged) {
    refuse('config.linux.security_context.privileged', 'is set, but the pod sandbox is not privileged');
  }
  return { containerId: await pods.createContainer(podId, config, podConfig) };
};
