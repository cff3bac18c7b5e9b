/** From a HTTP request to a WebSocket with one of the subprotocols that the caller knows. */

import type { IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { listHeader, refuse, type UpgradeRequest } from '../http.js';

/** Bytes of one message, as in Go's server: clients put as much as they like into one. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
});

/**
 * What was agreed on with whom. ws does not negotiate it: `SPDY/3.1+portforward.k8s.io` is no token (RFC 7230), so ws
 * would refuse the client.
 */
const agreed = new WeakMap<IncomingMessage, string>();

server.on('headers', (headers, request) => {
  const protocol = agreed.get(request);
  if (protocol !== undefined && protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
});

/** The WebSocket and the subprotocol agreed on: '' for a client that named none. */
export interface Accepted {
  readonly socket: WebSocket;
  readonly protocol: string;
}

/**
 * Takes the first of the client's subprotocols that `knows`, and calls `begin`, which must listen to the socket before
 * it returns: what the client has already sent comes next. undefined after it has answered 403 (no such protocol), or
 * 400 or 405 (no WebSocket handshake).
 */
export async function acceptWebSocket<T>(
  upgrade: UpgradeRequest,
  knows: (protocol: string) => boolean,
  begin: (accepted: Accepted) => T,
): Promise<T | undefined> {
  const { request, socket, head } = upgrade;
  const offered = listHeader(request, 'sec-websocket-protocol');
  const protocol = (offered.length === 0 ? [''] : offered).find(knows);
  if (protocol === undefined) {
    refuse(socket, 403, `none of the WebSocket protocols ${offered.join(', ').slice(0, 200)} is supported`);
    return undefined;
  }
  agreed.set(request, protocol);
  delete request.headers['sec-websocket-protocol'];
  return new Promise((resolve, reject) => {
    // After a handshake that fails, ws has answered and closed; it calls back for one that succeeds only.
    socket.once('close', () => resolve(undefined));
    server.handleUpgrade(request, socket, head, (accepted) => {
      try {
        resolve(begin({ socket: accepted, protocol }));
      } catch (error) {
        reject(error);
      }
    });
  });
}
