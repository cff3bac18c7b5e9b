/** Exec with streams: one command in a running container, connected to a client. */

import { CribError } from '../runtime/errors.js';
import type { Node } from './node.js';
import type { ExecSpec, SessionStreams } from './streams.js';

/** Resolves with the command's exit code. Throws FAILED_PRECONDITION when the container does not run. */
export async function execInContainer(
  node: Node,
  spec: ExecSpec,
  streams: SessionStreams,
  signal: AbortSignal,
): Promise<number> {
  const { record } = node.containers.get(spec.containerId);
  if (record.state !== 'running') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}; exec needs a running one`);
  }
  return node.parts.handlers.existing(record.runtime).exec(record, spec, streams, signal);
}
