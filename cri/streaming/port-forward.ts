/** One forwarded connection, whatever carries it: the client's ends and a socket in the pod, joined. */

import type { Duplex, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { Sessions } from '../../sandbox/streams.js';

/** The client's ends. */
export interface Client {
  readonly readable: Readable;
  readonly writable: Writable;
  /** Whether the protocol can tell that one side has ended; if not, the pod's end is the end of the connection. */
  readonly halfClose: boolean;
}

export interface Forward {
  readonly sessions: Sessions;
  readonly podId: string;
  readonly port: number;
  /** Fires when the client is gone, or has given up this connection. */
  readonly signal: AbortSignal;
}

/** A client waits for its connection; the pod's loopback answers at once or not at all. Milliseconds. */
const CONNECT_MS = 30_000;

/**
 * Connects to the pod's port and passes on both directions, each with its end, until both have ended. Throws when the
 * connection cannot be made or breaks; the client's ends are left open then.
 */
export async function forward(client: Client, { sessions, podId, port, signal }: Forward): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new CribError('DEADLINE_EXCEEDED', `no connection to port ${port} in ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  );
  let pod: Duplex;
  try {
    pod = await sessions.connect(podId, port, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    throw new CribError('UNAVAILABLE', `error forwarding port ${port} to pod ${podId}: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
  await join(client, pod, signal, `error forwarding port ${port} to pod ${podId}`);
}

async function join(client: Client, pod: Duplex, signal: AbortSignal, attempt: string): Promise<void> {
  const gone = () => pod.destroy();
  signal.addEventListener('abort', gone, { once: true });
  if (signal.aborted) gone();
  try {
    client.readable.pipe(pod);
    pod.pipe(client.writable);
    await finished(pod, { writable: client.halfClose });
  } catch (error) {
    if (!signal.aborted) throw new CribError('UNAVAILABLE', `${attempt}: ${messageOf(error)}`);
  } finally {
    signal.removeEventListener('abort', gone);
    client.readable.unpipe(pod);
    pod.unpipe(client.writable);
    pod.on('error', () => {});
    pod.destroy();
  }
}
