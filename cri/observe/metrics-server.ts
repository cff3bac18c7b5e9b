/** The HTTP server that Prometheus scrapes: GET /metrics, and nothing else. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { Registry } from './registry.js';

/** A scrape is one small request; more than this is not meant well. */
const MAX_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 5_000;

export interface MetricsServer {
  /** HOST:PORT, with the port that was given where 0 was asked for. */
  readonly address: string;
  close(): Promise<void>;
}

/** `address` is HOST:PORT, or PORT on loopback. Throws INVALID_ARGUMENT where it cannot be listened on. */
export async function startMetricsServer(address: string, registry: Registry): Promise<MetricsServer> {
  const server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    void answer(request, response, registry);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const { host, port } = hostAndPort(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new CribError('INVALID_ARGUMENT', `metrics.address ${address}: ${messageOf(cause)}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    address: bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: http.IncomingMessage, response: http.ServerResponse, registry: Registry): Promise<void> {
  const [path] = (request.url ?? '').split('?');
  if (path !== '/metrics') return void response.writeHead(404).end('only /metrics is here\n');
  if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  try {
    const text = await registry.text();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  } catch (error) {
    response.writeHead(500).end(`${messageOf(error)}\n`);
  }
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  if (port > 65_535) throw new CribError('INVALID_ARGUMENT', `metrics.address ${address}: there is no port ${port}`);
  return { host: host === '' ? '127.0.0.1' : host, port };
}
