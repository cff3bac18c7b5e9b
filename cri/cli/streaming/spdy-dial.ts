/** From the URL that Exec, Attach or PortForward answered to a SPDY session. */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { CribError, messageOf } from '../../../runtime/errors.js';
import { SpdyConnection } from '../../streaming/spdy/connection.js';

/** To connect and to be answered; the daemon is on this host or near it. Milliseconds. */
const DIAL_MS = 15_000;
/** A terminal may stand idle for long: the server's own limit is what ends it. Milliseconds. */
const IDLE_MS = 24 * 3_600_000;
const KEEP_ALIVE_MS = 30_000;
/** Bytes of a refusal that are read. */
const MAX_REFUSAL = 4096;

/**
 * Connects and agrees on `protocol`. `certFile` (PEM) is the certificate that the server must have where the URL is
 * HTTPS; empty: one that the system trusts. `dialMs`: for all of it, milliseconds. Throws UNAVAILABLE with the server's
 * own words; never shows the token.
 */
export async function dialSpdy(
  url: string,
  protocol: string,
  certFile: string,
  dialMs = DIAL_MS,
): Promise<SpdyConnection> {
  const target = new URL(url);
  const attempt = `connecting to the streaming server at ${target.host}`;
  const late = AbortSignal.timeout(dialMs);
  try {
    const transport = await upgraded(target, await connected(target, certFile, late), protocol, late);
    return new SpdyConnection({
      transport,
      role: 'client',
      idleTimeoutMs: IDLE_MS,
      maxStreams: 0,
      onStream: () => false,
    });
  } catch (error) {
    const reason = late.aborted ? `no answer in ${dialMs / 1000} s` : messageOf(error);
    throw new CribError('UNAVAILABLE', `${attempt}: ${reason}`, { cause: error });
  }
}

async function connected(
  { protocol, hostname, port }: URL,
  certFile: string,
  signal: AbortSignal,
): Promise<net.Socket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'https:';
  const where = { host, port: Number(port === '' ? (isTls ? 443 : 80) : port) };
  const pinned = isTls && certFile !== '' ? new X509Certificate(await fs.readFile(certFile)) : undefined;
  const socket = isTls
    ? tls.connect({ ...where, rejectUnauthorized: pinned === undefined, servername: net.isIP(host) === 0 ? host : '' })
    : net.connect(where);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal });
    if (socket instanceof tls.TLSSocket && pinned !== undefined) demand(socket, pinned, certFile);
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  }
  return socket;
}

/** The file says whose certificate it is: neither its name nor who signed it matters then. */
function demand(socket: tls.TLSSocket, pinned: X509Certificate, certFile: string): void {
  if (socket.getPeerX509Certificate()?.raw.equals(pinned.raw) === true) return;
  throw new Error(`its certificate is not the one in ${certFile}: restart the daemon after that file has changed`);
}

async function upgraded(url: URL, socket: net.Socket, protocol: string, signal: AbortSignal): Promise<Duplex> {
  const headers = { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocol };
  const path = url.pathname + url.search;
  const host = url.host;
  const request = http.request({
    method: 'POST',
    path,
    headers: { host, ...headers },
    createConnection: () => socket,
    signal,
  });
  request.end();
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      text(response)
        .then((body) => reject(new Error(`it answered ${response.statusCode}: ${body.slice(0, MAX_REFUSAL).trim()}`)))
        .catch(reject);
    });
    request.on('upgrade', (response, upgradedSocket, head) => {
      const chosen = response.headers['x-stream-protocol-version'];
      if (head.length > 0) upgradedSocket.unshift(head);
      if (chosen === protocol) resolve(upgradedSocket);
      else {
        upgradedSocket.destroy();
        reject(new Error(`it chose the protocol ${chosen}, not ${protocol}`));
      }
    });
  });
}
