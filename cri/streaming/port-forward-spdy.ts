/**
 * Port-forward over SPDY: each connection is a pair of streams, `error` and `data`, that name a port and share a
 * request id. Any number of ports and connections go through one session; what fails is told on the pair's error
 * stream and ends that pair alone.
 */

import type { Duplex } from 'node:stream';
import { messageOf } from '../../runtime/errors.js';
import type { Sessions } from '../../sandbox/streams.js';
import type { UpgradeRequest } from './http.js';
import { forward } from './port-forward.js';
import { endOf } from './remote-command.js';
import type { PortForwardRequest, Timeouts } from './requests.js';
import { SpdyConnection } from './spdy/connection.js';
import type { SpdyStream } from './spdy/stream.js';
import { acceptSpdy } from './spdy/upgrade.js';
import { acceptTunnel } from './websocket/tunnel.js';

export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';

/** Streams of one session: 500 connections at once, each of which holds up to 64 KiB for a slow pod. */
const MAX_STREAMS = 1000;

interface Pair {
  readonly port: string;
  error?: SpdyStream;
  data?: SpdyStream;
  timer: NodeJS.Timeout;
}

/** Serves until the client has gone. */
export async function servePortForwardSpdy(
  upgrade: UpgradeRequest,
  request: PortForwardRequest,
  sessions: Sessions,
  timeouts: Timeouts,
): Promise<void> {
  if (acceptSpdy(upgrade, [PORT_FORWARD_PROTOCOL]) === undefined) return;
  await serveSession(upgrade.socket, request, sessions, timeouts);
}

/** The same session in the binary messages of a WebSocket, as client-go has it since Kubernetes 1.30. */
export async function servePortForwardTunnel(
  upgrade: UpgradeRequest,
  request: PortForwardRequest,
  sessions: Sessions,
  timeouts: Timeouts,
): Promise<void> {
  await acceptTunnel(upgrade, PORT_FORWARD_PROTOCOL, (transport) =>
    serveSession(transport, request, sessions, timeouts),
  );
}

async function serveSession(
  transport: Duplex,
  request: PortForwardRequest,
  sessions: Sessions,
  timeouts: Timeouts,
): Promise<void> {
  const pairs = new Pairs(timeouts.creationMs, (pair) => void servePair(pair, request.podId, sessions));
  const connection = new SpdyConnection({
    transport,
    role: 'server',
    idleTimeoutMs: timeouts.idleMs,
    maxStreams: MAX_STREAMS,
    onStream: (stream) => pairs.add(stream),
  });
  await new Promise<void>((resolve) => connection.signal.addEventListener('abort', () => resolve(), { once: true }));
  pairs.close();
}

/** Puts the streams of one request together. */
class Pairs {
  private readonly waiting = new Map<string, Pair>();

  constructor(
    private readonly creationMs: number,
    private readonly onComplete: (pair: Required<Pair>) => void,
  ) {}

  /** False for a stream that belongs to no pair. */
  add(stream: SpdyStream): boolean {
    const port = stream.headers.get('port') ?? '';
    const type = stream.headers.get('streamtype');
    if (!isPort(port) || (type !== 'error' && type !== 'data')) return false;
    const id = stream.headers.get('requestid') ?? idWithoutHeader(stream.id, type);
    if (this.waiting.size >= MAX_STREAMS) return false;
    const pair = this.waiting.get(id) ?? this.begin(id, port);
    if (pair[type] !== undefined || pair.port !== port) return false;
    pair[type] = stream;
    const { error, data, timer } = pair;
    if (error === undefined || data === undefined) return true;
    clearTimeout(timer);
    this.waiting.delete(id);
    // After the answer to this stream, and before the next frame: the client expects nothing earlier.
    queueMicrotask(() => this.onComplete({ port, error, data, timer }));
    return true;
  }

  close(): void {
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private begin(id: string, port: string): Pair {
    const pair: Pair = { port, timer: setTimeout(() => void this.expire(id, pair), this.creationMs) };
    this.waiting.set(id, pair);
    return pair;
  }

  private async expire(id: string, { error, data }: Pair): Promise<void> {
    this.waiting.delete(id);
    data?.destroy();
    const message = `request ${id.slice(0, 64)}: its other stream did not come in ${this.creationMs / 1000} s`;
    await endOf(error, Buffer.from(message));
    error?.destroy();
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

/** Clients before request ids open the error stream first and the data stream right after it: ids 1 and 3, 5 and 7. */
function idWithoutHeader(streamId: number, type: 'error' | 'data'): string {
  return `stream ${type === 'error' ? streamId : streamId - 2}`;
}

async function servePair({ port, error, data }: Required<Pair>, podId: string, sessions: Sessions): Promise<void> {
  const gone = new AbortController();
  data.once('reset', () => gone.abort());
  error.resume();
  try {
    await forward(
      { readable: data, writable: data, halfClose: true },
      { sessions, podId, port: Number(port), signal: gone.signal },
    );
    await Promise.all([endOf(data), endOf(error)]);
    // The client may still be sending to a pod that reads no more.
    data.resume();
  } catch (failure) {
    await endOf(error, Buffer.from(messageOf(failure)));
    data.destroy();
  }
}
