/**
 * Connections to ports of one pod through one SPDY session, which is opened anew when it was lost: after a restart of the
 * daemon the next connection goes through again.
 */

import type net from 'node:net';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { CribError } from '../../../runtime/errors.js';
import type { SpdyConnection } from '../../streaming/spdy/connection.js';

export const FORWARD_PROTOCOL = 'portforward.k8s.io';

export class PodTunnel {
  private session: Promise<SpdyConnection> | undefined;
  private requests = 0;
  private closed = false;

  /** `dial` opens a session: RPC and upgrade. */
  constructor(private readonly dial: () => Promise<SpdyConnection>) {}

  /** The session there is, else a new one. Throws what `dial` throws. */
  async connect(): Promise<SpdyConnection> {
    if (this.closed) throw new CribError('CANCELLED', 'port-forward is ending');
    const before = this.session;
    const current = await before?.catch(() => undefined);
    if (current !== undefined && !current.signal.aborted) return current;
    // Of several that find it lost the first one dials.
    const next = this.session === before || this.session === undefined ? this.dial() : this.session;
    this.session = next;
    return next;
  }

  /**
   * Joins `socket` and a port of the pod until both directions have ended. Throws UNAVAILABLE with the server's words where
   * the pod refused or the session was lost. `socket` is closed in every case.
   */
  async forward(socket: net.Socket, port: number): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      const connection = await this.connect();
      this.requests += 1;
      const headers = { port: String(port), requestid: String(this.requests) };
      const [error, data] = await Promise.all([
        connection.open(new Map(Object.entries({ ...headers, streamtype: 'error' })), true),
        connection.open(new Map(Object.entries({ ...headers, streamtype: 'data' }))),
      ]);
      const refused = text(error);
      const gone = () => data.destroy();
      socket.once('close', gone);
      if (socket.destroyed) gone();
      socket.pipe(data).pipe(socket);
      const ended = finished(socket).catch(() => {});
      data.once('reset', () => socket.destroy());
      const reason = await refused;
      if (reason !== '') throw new CribError('UNAVAILABLE', reason);
      await ended;
    } finally {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const connection = await this.session?.catch(() => undefined);
    connection?.destroy();
  }
}
