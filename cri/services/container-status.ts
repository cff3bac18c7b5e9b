import type { ContainerStatusRequest, ContainerStatusResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { info } from './info.js';
import { containerStatusMessage } from './translate/status.js';
import { idOf } from './validate.js';

export const containerStatus: Unary<ContainerStatusRequest, ContainerStatusResponse> = async (
  { pods, images },
  request,
) => {
  const view = pods.containerStatus(idOf(request.containerId, 'container_id'));
  return {
    status: containerStatusMessage(view, images),
    info: request.verbose ? info(await pods.containerInfo(view.id)) : {},
  };
};
