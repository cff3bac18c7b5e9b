/** A registry on loopback that misbehaves as a test tells it to. */

import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface FaultyServer {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Method, path and headers of each request. */
  readonly seen: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly method: string }[];
  readonly open: () => Promise<number>;
  close(): void;
}

export async function faultyServer(handler: Handler): Promise<FaultyServer> {
  const seen: { url: string; headers: IncomingMessage['headers']; method: string }[] = [];
  const server = http.createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers, method: request.method ?? '' });
    handler(request, response, seen.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    seen,
    open: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, n) => (error === null ? resolve(n) : reject(error))),
      ),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function digestOf(body: Buffer | string): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

/** Fast enough for tests. */
export const QUICK = {
  attempts: 4,
  baseMs: 5,
  maxMs: 20,
  connectMs: 1000,
  answerMs: 1000,
  stallMs: 200,
  retryAfterMaxMs: 3000,
};
