import type { ExecSyncRequest, ExecSyncResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf, noNul, refuse, timeoutMs } from './validate.js';

/** `timeout` is in seconds; 0 is no limit (CRI, ExecSyncRequest). */
export const execSync: Unary<ExecSyncRequest, ExecSyncResponse> = async ({ pods }, request, signal) => {
  const id = idOf(request.containerId, 'container_id');
  if (request.cmd.length === 0) refuse('cmd', 'is required');
  const command = request.cmd.map((word, index) => noNul(word, `cmd[${index}]`));
  return pods.execSync(id, command, timeoutMs(request.timeout, 'timeout'), signal);
};
