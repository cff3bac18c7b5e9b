/** A streaming server over `processSessions`, and clients of it. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import type { CommandRequest } from '../../cri/streaming/requests.js';
import { startStreamingServer } from '../../cri/streaming/server.js';
import { SpdyConnection } from '../../cri/streaming/spdy/connection.js';
import type { SpdyStream } from '../../cri/streaming/spdy/stream.js';
import { recordingLog } from './log.js';
import { processSessions } from './process-sessions.js';

export async function startStreaming(timeouts = { idleMs: 60_000, creationMs: 30_000 }) {
  const sessions = processSessions();
  const { log, lines } = recordingLog();
  const server = await startStreamingServer({ address: '127.0.0.1:0', tls: undefined, sessions, log, timeouts });
  const stop = async () => {
    await server.close();
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error'),
      [],
    );
  };
  return { server, sessions, stop };
}

export function execRequest(command: readonly string[], streams: Partial<CommandRequest> = {}): CommandRequest {
  const all = { tty: false, stdin: false, stdout: true, stderr: true };
  return { kind: 'exec', containerId: 'c1', command, ...all, ...streams };
}

export interface Upgraded {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** undefined where the server refused. */
  readonly socket: Duplex | undefined;
}

/** Asks for an upgrade as Go's clients do. */
export async function upgrade(url: string, headers: http.OutgoingHttpHeaders, method = 'POST'): Promise<Upgraded> {
  const request = http.request(url, { method, headers, agent: false });
  request.end();
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) => {
      const body = await text(response);
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body, socket: undefined });
    });
    request.on('upgrade', (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ status: 101, headers: response.headers, body: '', socket });
    });
  });
}

export function spdyHeaders(...protocols: string[]): http.OutgoingHttpHeaders {
  return { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocols };
}

export function spdyOver(transport: Duplex): SpdyConnection {
  return new SpdyConnection({
    transport,
    role: 'client',
    idleTimeoutMs: 60_000,
    maxStreams: 10,
    onStream: () => false,
  });
}

export async function spdyClient(url: string, protocol: string): Promise<SpdyConnection> {
  const { socket, status } = await upgrade(url, spdyHeaders(protocol));
  assert.ok(socket !== undefined, `the server answered ${status}`);
  return spdyOver(socket);
}

export function openStream(connection: SpdyConnection, streamType: string, others: Record<string, string> = {}) {
  return connection.open(new Map(Object.entries({ streamtype: streamType, ...others })));
}

/** Opens what a client of exec opens: error first, then what it was asked for. */
export async function openCommand(connection: SpdyConnection, ...types: string[]): Promise<Map<string, SpdyStream>> {
  const streams = new Map<string, SpdyStream>();
  for (const type of ['error', ...types]) streams.set(type, await openStream(connection, type));
  return streams;
}

/** Reads to the end. The consumers of Node would destroy the stream then, and reset its other half. */
export function bytesOf(stream: Readable | undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  return new Promise((resolve) => {
    stream?.on('data', (part: Buffer) => parts.push(part)).once('end', () => resolve(Buffer.concat(parts)));
  });
}

export async function everything(stream: Readable | undefined): Promise<string> {
  return String(await bytesOf(stream));
}

/** What a WebSocket client gets, by channel; empty messages do not show. */
export interface SocketClient {
  readonly socket: WebSocket;
  readonly protocol: string;
  /** Everything of a channel so far. */
  received(channel: number): Buffer;
  /** The close code. */
  readonly closed: Promise<number>;
}

export async function socketClient(url: string, ...protocols: string[]): Promise<SocketClient> {
  const socket = new WebSocket(url, protocols);
  const channels = new Map<number, Buffer[]>();
  socket.on('message', (data: Buffer, isBinary) => {
    const channel = isBinary ? (data[0] ?? 255) : (data[0] ?? 0) - 0x30;
    const body = isBinary ? data.subarray(1) : Buffer.from(data.subarray(1).toString(), 'base64');
    channels.set(channel, [...(channels.get(channel) ?? []), body]);
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return {
    socket,
    protocol: socket.protocol,
    received: (channel) => Buffer.concat(channels.get(channel) ?? []),
    closed,
  };
}
