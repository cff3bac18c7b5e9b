/** A TCP connection to what listens on a pod's loopback. */

import net from 'node:net';
import type { Duplex } from 'node:stream';
import { CribError, messageOf } from '../../runtime/errors.js';
import { tcpSocket } from '../../runtime/linux/sockets.js';
import { inNetworkNamespace } from '../pod/namespaces.js';

/** The kernel answers on loopback at once; a listener whose queue is full lets the client wait. */
const CONNECT_TIMEOUT_MS = 10_000;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;

/**
 * Connects to `port` of 127.0.0.1, where that is refused of ::1, in the network namespace pinned at `namespace`;
 * undefined: the host's. Either side may end its half. Throws UNAVAILABLE when nothing listens.
 */
export async function connectInNamespace(
  namespace: string | undefined,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  try {
    return await connectOver(4, namespace, port, signal);
  } catch (first) {
    signal.throwIfAborted();
    try {
      return await connectOver(6, namespace, port, signal);
    } catch {
      throw new CribError('UNAVAILABLE', messageOf(first), { cause: first });
    }
  }
}

/**
 * A socket stays in the namespace that it was made in, so only making it happens there (docs/adr/009); Node connects it
 * when the thread is back.
 */
function connectOver(family: 4 | 6, namespace: string | undefined, port: number, signal: AbortSignal): Promise<Duplex> {
  const fd = namespace === undefined ? tcpSocket(family) : inNetworkNamespace(namespace, () => tcpSocket(family));
  // Not read before it is connected, which would be ENOTCONN; Node's own sockets have this option too.
  const options: net.SocketConstructorOpts & { manualStart: boolean } = { fd, allowHalfOpen: true, manualStart: true };
  const socket = new net.Socket(options);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(new CribError('CANCELLED', `connecting to port ${port} was cancelled`));
    const timer = setTimeout(() => fail(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', fail);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', fail);
    socket.on('close', settled);
    socket.connect({ port, host: LOOPBACK[family] }, () => {
      settled();
      resolve(socket);
    });
  });
}
