import type { StopContainerRequest, StopContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf, timeoutMs } from './validate.js';

/** `timeout` is in seconds; 0 kills at once (CRI, StopContainerRequest). */
export const stopContainer: Unary<StopContainerRequest, StopContainerResponse> = async ({ pods }, request) => {
  const id = idOf(request.containerId, 'container_id');
  await pods.stopContainer(id, timeoutMs(request.timeout, 'timeout'));
  return {};
};
