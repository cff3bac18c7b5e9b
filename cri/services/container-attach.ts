import type { AttachRequest, AttachResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { requestedStreams, runningContainer } from './validate-streams.js';

export const attach: Unary<AttachRequest, AttachResponse> = async ({ pods, streaming }, request) => {
  const streams = requestedStreams(request);
  const containerId = runningContainer(pods, request.containerId);
  return { url: streaming.urlFor({ kind: 'attach', containerId, command: [], ...streams }) };
};
