import type { UpdatePodSandboxResourcesRequest, UpdatePodSandboxResourcesResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { resourcesOf } from './translate/resources.js';
import { idOf } from './validate.js';

export const updatePodSandboxResources: Unary<
  UpdatePodSandboxResourcesRequest,
  UpdatePodSandboxResourcesResponse
> = async ({ pods }, request) => {
  const id = idOf(request.podSandboxId, 'pod_sandbox_id');
  const { overhead, resources } = request;
  await pods.updatePodResources(
    id,
    overhead === undefined ? undefined : resourcesOf(overhead, 'overhead'),
    resources === undefined ? undefined : resourcesOf(resources, 'resources'),
  );
  return {};
};
