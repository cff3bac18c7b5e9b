import type { ReopenContainerLogRequest, ReopenContainerLogResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf } from './validate.js';

export const reopenContainerLog: Unary<ReopenContainerLogRequest, ReopenContainerLogResponse> = async (
  { pods },
  request,
) => {
  await pods.reopenContainerLog(idOf(request.containerId, 'container_id'));
  return {};
};
