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

/** The tunnel's bytes; undefined after the client was refused. */
export async function acceptTunnel(upgrade: UpgradeRequest, protocol: string): Promise<Duplex | undefined> {
  const accepted = await acceptWebSocket(upgrade, (name) => name === PREFIX + protocol);
  return accepted === undefined ? undefined : createWebSocketStream(accepted.socket);
}
