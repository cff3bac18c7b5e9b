/** Attach: a client joins the stdio of a running container. */

import { CribError } from '../runtime/errors.js';
import type { Node } from './node.js';
import type { SessionStreams } from './streams.js';

/** Resolves when the container has ended or the client has left. Throws FAILED_PRECONDITION when it does not run. */
export async function attachToContainer(
  node: Node,
  id: string,
  streams: SessionStreams,
  signal: AbortSignal,
): Promise<void> {
  const { record } = node.containers.get(id);
  if (record.state !== 'running') {
    throw new CribError('FAILED_PRECONDITION', `container ${record.id} is ${record.state}; attach needs a running one`);
  }
  await node.parts.handlers.existing(record.runtime).attach(record, streams, signal);
}
