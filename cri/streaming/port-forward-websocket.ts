/**
 * Port-forward in WebSocket channels: for port n of the request, channel 2n carries data and 2n+1 errors. Each begins
 * with its port, two bytes, little-endian. One connection a port; it is made at once.
 */

import { messageOf } from '../../runtime/errors.js';
import type { Sessions } from '../../sandbox/streams.js';
import { refuse, type UpgradeRequest } from './http.js';
import { forward } from './port-forward.js';
import { endOf } from './remote-command.js';
import type { PortForwardRequest, Timeouts } from './requests.js';
import { ChannelSocket } from './websocket/channels.js';
import { acceptWebSocket } from './websocket/upgrade.js';

const PROTOCOL = /^(?:v4\.(base64\.)?channel\.k8s\.io)?$/;

/** Serves until each connection has ended or the client has gone. */
export async function servePortForwardChannels(
  upgrade: UpgradeRequest,
  request: PortForwardRequest,
  sessions: Sessions,
  timeouts: Timeouts,
): Promise<void> {
  if (request.ports.length === 0) {
    refuse(upgrade.socket, 400, 'the PortForward request named no port, which channels are numbered by');
    return;
  }
  await acceptWebSocket(
    upgrade,
    (name) => PROTOCOL.test(name),
    async (accepted) => {
      const base64 = accepted.protocol.includes('base64');
      const socket = new ChannelSocket(accepted.socket, { base64, closeSignal: false }, timeouts.idleMs);
      const pairs = request.ports.map((port, index) => servePort(socket, request.podId, port, index, sessions));
      await Promise.all(pairs);
      await socket.close();
    },
  );
}

async function servePort(
  socket: ChannelSocket,
  podId: string,
  port: number,
  index: number,
  sessions: Sessions,
): Promise<void> {
  const readable = socket.reader(index * 2);
  const writable = socket.writer(index * 2);
  const error = socket.writer(index * 2 + 1);
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16LE(port);
  writable.write(prefix);
  error.write(prefix);
  try {
    await forward({ readable, writable, halfClose: false }, { sessions, podId, port, signal: socket.signal });
  } catch (failure) {
    error.write(messageOf(failure));
  }
  await Promise.all([endOf(writable), endOf(error)]);
  readable.resume();
}
