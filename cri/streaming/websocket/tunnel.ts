/** `SPDY/3.1+…`: the bytes of a SPDY session as the binary messages of a WebSocket. */

import type { Duplex } from 'node:stream';
import { createWebSocketStream } from 'ws';
import type { UpgradeRequest } from '../http.js';
import { acceptWebSocket } from './upgrade.js';

const PREFIX = 'SPDY/3.1+';

/** Whether a client's subprotocol is a tunnel. */
export function isTunnel(protocol: string): boolean {
  return protocol.startsWith(PREFIX);
}

/** Calls `begin` with the tunnel's bytes, before any has come; undefined after the client was refused. */
export function acceptTunnel<T>(
  upgrade: UpgradeRequest,
  protocol: string,
  begin: (transport: Duplex) => T,
): Promise<T | undefined> {
  const knows = (name: string) => name === PREFIX + protocol;
  return acceptWebSocket(upgrade, knows, ({ socket }) => begin(createWebSocketStream(socket)));
}
