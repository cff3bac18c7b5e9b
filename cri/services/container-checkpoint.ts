import type { CheckpointContainerRequest, CheckpointContainerResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf, plainPath, requiredText, timeoutMs } from './validate.js';

/** What a memory image of some gigabytes takes on a slow disk. */
const DEFAULT_TIMEOUT_MS = 600_000;

/** `timeout` is in seconds; 0 is the default (CRI, CheckpointContainerRequest). */
export const checkpointContainer: Unary<CheckpointContainerRequest, CheckpointContainerResponse> = async (
  { pods },
  request,
) => {
  const id = idOf(request.containerId, 'container_id');
  const location = plainPath(requiredText(request.location, 'location'), 'location');
  await pods.checkpointContainer(id, location, timeoutMs(request.timeout, 'timeout') || DEFAULT_TIMEOUT_MS);
  return {};
};
