import type { RemoveContainerRequest, RemoveContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf } from './validate.js';

export const removeContainer: Unary<RemoveContainerRequest, RemoveContainerResponse> = async ({ pods }, request) => {
  await pods.removeContainer(idOf(request.containerId, 'container_id'));
  return {};
};
