/**
 * grpc-js keeps a call's deadline in 32 bits of milliseconds: one that is more than 24 days away, as a kubelet's that
 * stops a pod with such a grace period, passes at once or at a time of chance. Such a header is taken for none.
 */

import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

const HEADER = 'grpc-timeout';
const MAX_MS = 2 ** 31 - 1;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** For all calls of a server that is bound. By what grpc-js does not export: its HTTP/2 servers. */
export function forgetFarDeadlines(server: Server): void {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(servers instanceof Map)) return;
  for (const http2Server of servers.keys()) {
    if (http2Server instanceof EventEmitter) http2Server.prependListener('stream', forgetFar);
  }
}

function forgetFar(_stream: unknown, headers: IncomingHttpHeaders): void {
  const [, count = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers[HEADER])) ?? [];
  if (Number(count) * (UNIT_MS[unit] ?? 0) > MAX_MS) delete headers[HEADER];
}
