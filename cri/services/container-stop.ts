import type { StopContainerRequest, StopContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf, integer } from './validate.js';

/** `timeout` is in seconds; 0 kills at once (CRI, StopContainerRequest). */
export const stopContainer: Unary<StopContainerRequest, StopContainerResponse> = async ({ pods }, request) => {
  const id = idOf(request.containerId, 'container_id');
  await pods.stopContainer(id, integer(request.timeout, 'timeout', 0, 365 * 86_400) * 1000);
  return {};
};
