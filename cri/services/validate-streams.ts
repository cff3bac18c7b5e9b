/** What Exec and Attach check alike. */

import { CribError } from '../../runtime/errors.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { idOf, refuse } from './validate.js';

interface Streams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A terminal has one output; a session of no stream is none (CRI, ExecRequest and AttachRequest). */
export function requestedStreams({ tty, stdin, stdout, stderr }: Streams): Streams {
  if (tty && stderr) refuse('stderr', 'must be false when tty is true: a terminal has one output');
  if (!stdin && !stdout && !stderr) refuse('stdin', 'or stdout or stderr must be true');
  return { tty, stdin, stdout, stderr };
}

/** The full id. Throws FAILED_PRECONDITION for a container that does not run. */
export function runningContainer(pods: PodRuntime, containerId: string): string {
  const { id, state } = pods.containerStatus(idOf(containerId, 'container_id'));
  if (state !== 'running') {
    throw new CribError('FAILED_PRECONDITION', `container ${id} is ${state}: only a running one has streams`);
  }
  return id;
}
