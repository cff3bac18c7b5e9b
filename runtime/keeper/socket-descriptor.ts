import type net from 'node:net';

/** Node has no documented way to ask a socket for its descriptor. Throws where there is none. */
export function descriptorOf(socket: net.Socket): number {
  const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null };
  if (typeof handle?.fd === 'number' && handle.fd >= 0) return handle.fd;
  throw new Error('this version of Node does not tell the descriptor of a socket');
}
