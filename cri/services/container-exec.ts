import type { ExecRequest, ExecResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { noNul, refuse } from './validate.js';
import { requestedStreams, runningContainer } from './validate-streams.js';

/** The command runs when a client connects to the URL. */
export const exec: Unary<ExecRequest, ExecResponse> = async ({ pods, streaming }, request) => {
  const streams = requestedStreams(request);
  if (request.cmd.length === 0) refuse('cmd', 'is required');
  const command = request.cmd.map((word, index) => noNul(word, `cmd[${index}]`));
  const containerId = runningContainer(pods, request.containerId);
  return { url: streaming.urlFor({ kind: 'exec', containerId, command, ...streams }) };
};
