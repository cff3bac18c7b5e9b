import type { StartContainerRequest, StartContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf } from './validate.js';

export const startContainer: Unary<StartContainerRequest, StartContainerResponse> = async ({ pods }, request) => {
  await pods.startContainer(idOf(request.containerId, 'container_id'));
  return {};
};
