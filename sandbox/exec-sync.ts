/** ExecSync: one command in a running container, its output and exit code. */

import { attempting, CribError } from '../runtime/errors.js';
import type { Node } from './node.js';
import type { ExecSyncResult } from './types.js';

/** Throws FAILED_PRECONDITION when the container does not run, DEADLINE_EXCEEDED after `timeoutMs` (0: no limit). */
export async function execSync(
  node: Node,
  id: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecSyncResult> {
  const { record } = node.containers.get(id);
  if (record.state !== 'running') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}; exec needs a running one`);
  }
  try {
    return await node.parts.handlers.existing(record.runtime).execSync(record, command, timeoutMs, signal);
  } catch (error) {
    throw error instanceof CribError ? error : attempting(`running a command in container ${record.id}`, error);
  }
}
