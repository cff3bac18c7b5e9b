/** Port-forward: a connection to what listens on the loopback of a pod. */

import type { Duplex } from 'node:stream';
import { CribError } from '../runtime/errors.js';
import type { Node } from './node.js';

/** Throws INVALID_ARGUMENT for a port that is none, FAILED_PRECONDITION when the pod is not ready. */
export async function connectToPod(node: Node, id: string, port: number, signal: AbortSignal): Promise<Duplex> {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new CribError('INVALID_ARGUMENT', `port ${port} is none: 1 to 65535 is meant`);
  }
  const { record, id: full } = node.pods.get(id);
  if (record.state !== 'ready') {
    throw new CribError('FAILED_PRECONDITION', `pod ${full} is ${record.state}; port-forward needs a ready one`);
  }
  return node.backend(record).connect(record, port, signal);
}
