/**
 * The streaming server: CRI's Exec, Attach and PortForward answer a URL of it, and the kubelet (or crictl) connects
 * there. The token in the URL is the permission: whoever has it is served, once.
 */

import fs from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { attempting, CribError, messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import type { Sessions } from '../../sandbox/streams.js';
import { baseUrl, parseAddress } from './address.js';
import { listHeader, refuse, type UpgradeRequest, wantsUpgradeTo } from './http.js';
import { servePortForwardSpdy, servePortForwardTunnel } from './port-forward-spdy.js';
import { servePortForwardChannels } from './port-forward-websocket.js';
import { runCommand } from './remote-command.js';
import { spdyCommandChannels } from './remote-command-spdy.js';
import { webSocketCommandChannels } from './remote-command-websocket.js';
import {
  type CommandRequest,
  type PortForwardRequest,
  type StreamRequest,
  TIMEOUTS,
  type Timeouts,
} from './requests.js';
import { Tokens } from './tokens.js';
import { isTunnel } from './websocket/tunnel.js';

export interface StreamingOptions {
  /** HOST:PORT; port 0 is any that is free. */
  readonly address: string;
  /** Files in PEM; undefined: plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly sessions: Sessions;
  readonly log: Log;
  readonly timeouts?: Timeouts;
}

export interface StreamingServer {
  /** A URL that serves this request once, within a minute. Throws RESOURCE_EXHAUSTED when too many are waiting. */
  urlFor(request: StreamRequest): string;
  /** Where it listens: `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Ends every session. */
  close(): Promise<void>;
}

/** Clients at once, with those that have not yet said what they want. */
const MAX_CONNECTIONS = 2000;
/** Probes that find a peer whose host has gone. Milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/** Binds the address. Throws INVALID_ARGUMENT for one that is none, FAILED_PRECONDITION for one that is taken. */
export async function startStreamingServer(options: StreamingOptions): Promise<StreamingServer> {
  const address = parseAddress(options.address);
  const server = await createServer(options.tls);
  const tokens = new Tokens<StreamRequest>();
  const sockets = new Set<Duplex>();
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
  });
  server.on('request', (request, response) => {
    const known = redeem(tokens, request) !== undefined;
    const message = known ? 'unable to upgrade: this URL is for SPDY/3.1 or WebSocket' : 'no such token';
    response.writeHead(known ? 400 : 404, { connection: 'close' }).end(`${message}\n`);
  });
  server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const found = redeem(tokens, request);
    if (found === undefined) refuse(socket, 404, 'no such token: it is unknown, used, or older than a minute');
    else void serveSafely({ request, socket, head }, found, options);
  });
  const url = baseUrl(await listen(server, address), options.tls !== undefined);
  return {
    url,
    urlFor: (request) => `${url}/${request.kind}/${tokens.issue(request)}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function createServer(tls: StreamingOptions['tls']): Promise<http.Server | https.Server> {
  if (tls === undefined) return http.createServer();
  try {
    const [cert, key] = await Promise.all([fs.readFile(tls.certFile), fs.readFile(tls.keyFile)]);
    return https.createServer({ cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] });
  } catch (error) {
    const what = `TLS of the streaming server, of ${tls.certFile} and ${tls.keyFile}`;
    throw new CribError('INVALID_ARGUMENT', `${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** Resolves with what it listens on; a name stays one, so that a certificate fits it. */
function listen(server: http.Server, { host, port }: { host: string; port: number }) {
  return new Promise<{ host: string; port: number }>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `the streaming server on ${host}:${port}`;
      if (error.code !== 'EADDRINUSE') reject(attempting(where, error));
      else reject(new CribError('FAILED_PRECONDITION', `${where}: the port is taken; set --streaming-address`));
    });
    server.listen({ host, port }, () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') throw new Error('a TCP server has an address');
      resolve({ host: net.isIP(host) === 0 ? host : bound.address, port: bound.port });
    });
  });
}

/** `/exec/TOKEN`, by GET or POST. The token is used up even by a request that is refused for something else. */
function redeem(tokens: Tokens<StreamRequest>, request: http.IncomingMessage): StreamRequest | undefined {
  const [, kind, token] = /^\/(exec|attach|portforward)\/([\w-]+)\/?(?:\?.*)?$/.exec(request.url ?? '') ?? [];
  if (token === undefined || (request.method !== 'GET' && request.method !== 'POST')) return undefined;
  const found = tokens.redeem(token);
  return found?.kind === kind ? found : undefined;
}

async function serveSafely(upgrade: UpgradeRequest, request: StreamRequest, options: StreamingOptions): Promise<void> {
  try {
    if (request.kind === 'portforward') await servePortForward(upgrade, request, options);
    else await serveCommand(upgrade, request, options);
  } catch (error) {
    const stack = error instanceof Error ? error.stack : messageOf(error);
    options.log.error({ kind: request.kind, error: stack }, 'a bug in crib: a streaming session was lost');
    upgrade.socket.destroy();
  }
}

async function serveCommand(upgrade: UpgradeRequest, request: CommandRequest, options: StreamingOptions) {
  const { sessions, log, timeouts = TIMEOUTS } = options;
  const open = wantsUpgradeTo(upgrade.request, 'websocket') ? webSocketCommandChannels : spdyCommandChannels;
  const channels = await open(upgrade, request, timeouts);
  if (channels !== undefined) await runCommand(sessions, request, channels, log);
}

async function servePortForward(upgrade: UpgradeRequest, request: PortForwardRequest, options: StreamingOptions) {
  const { sessions, timeouts = TIMEOUTS } = options;
  const serve = portForwardServer(upgrade.request);
  await serve(upgrade, request, sessions, timeouts);
}

function portForwardServer(request: http.IncomingMessage) {
  if (!wantsUpgradeTo(request, 'websocket')) return servePortForwardSpdy;
  const tunnel = listHeader(request, 'sec-websocket-protocol').some(isTunnel);
  return tunnel ? servePortForwardTunnel : servePortForwardChannels;
}
