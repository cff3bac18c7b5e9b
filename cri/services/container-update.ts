import type { UpdateContainerResourcesRequest, UpdateContainerResourcesResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { resourcesOf } from './translate/resources.js';
import { idOf, refuse, required } from './validate.js';

export const updateContainerResources: Unary<
  UpdateContainerResourcesRequest,
  UpdateContainerResourcesResponse
> = async ({ pods }, request) => {
  const id = idOf(request.containerId, 'container_id');
  if (request.windows !== undefined) refuse('windows', 'is set, but this is a Linux node');
  await pods.updateContainerResources(id, resourcesOf(required(request.linux, 'linux'), 'linux'));
  return {};
};
