/** exec, attach and port-forward through the kubelet's API, over SPDY and over WebSocket. */

import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';
import { COMMAND_PROTOCOL, runCommandClient } from '../../cri/cli/streaming/command-run.js';
import { FORWARD_PROTOCOL, PodTunnel } from '../../cri/cli/streaming/pod-tunnel.js';
import { dialSpdy } from '../../cri/cli/streaming/spdy-dial.js';
import { SpdyConnection } from '../../cri/streaming/spdy/connection.js';
import type { TerminalSize } from '../../sandbox/streams.js';
import { PATIENCE } from '../support/patience.js';
import type { KubeletApi } from './kubelet-api.js';
import type { Pod } from './manifest.js';

const LIMIT_MS = 30_000 * PATIENCE;

export interface Ran {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Session {
  readonly pod: Pod;
  readonly container?: string;
  /** undefined: attach. */
  readonly command?: readonly string[];
  readonly input?: string;
  /** A terminal of this size. */
  readonly tty?: TerminalSize;
}

function pathOf({ pod, container = 'main', command, input, tty }: Session): string {
  const query = new URLSearchParams({ output: '1' });
  if (input !== undefined) query.set('input', '1');
  query.set(tty === undefined ? 'error' : 'tty', '1');
  for (const word of command ?? []) query.append('command', word);
  const { namespace, name } = pod.metadata;
  return `/${command === undefined ? 'attach' : 'exec'}/${namespace}/${name}/${container}?${query}`;
}

/** Runs it to its end; an attach ends with its input. */
export async function overSpdy(api: KubeletApi, session: Session): Promise<Ran> {
  const connection = await dialSpdy(api.url(pathOf(session)), COMMAND_PROTOCOL, api.certFile, LIMIT_MS);
  const [stdout, stderr] = [new Collected(), new Collected()];
  const { tty, input } = session;
  const stdin = input === undefined ? undefined : Readable.from([Buffer.from(input)]);
  const onResize = (listener: (size: TerminalSize) => void) => {
    if (tty !== undefined) listener(tty);
    return () => {};
  };
  const local = { stdin, stdout, stderr, tty: tty !== undefined, onResize };
  const code = await runCommandClient(connection, local, AbortSignal.timeout(LIMIT_MS));
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.text += chunk.toString();
    callback();
  }
}

/** Messages begin with the channel: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, 255 (v5) "this channel has ended". */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, outcome: 3, close: 255 } as const;

/** `v5.channel.k8s.io` is what a kubelet turns into SPDY itself, `v4.channel.k8s.io` what it passes on. */
export async function overWebSocket(api: KubeletApi, protocol: string, session: Session): Promise<Ran> {
  const socket = await webSocket(api, pathOf(session), protocol);
  const heard = new Map<number, string>();
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? 0;
    heard.set(channel, (heard.get(channel) ?? '') + data.subarray(1).toString());
  });
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(LIMIT_MS) });
  if (session.input !== undefined) {
    socket.send(Buffer.concat([Buffer.from([CHANNEL.stdin]), Buffer.from(session.input)]));
    if (protocol.startsWith('v5')) socket.send(Buffer.from([CHANNEL.close, CHANNEL.stdin]));
  }
  await closed;
  const outcome = heard.get(CHANNEL.outcome) ?? '';
  return { code: codeOf(outcome), stdout: heard.get(CHANNEL.stdout) ?? '', stderr: heard.get(CHANNEL.stderr) ?? '' };
}

/** Of a metav1.Status. Throws where there is none: then how the command ended was not told. */
function codeOf(outcome: string): number {
  const status = JSON.parse(outcome) as { status: string; details?: { causes?: { message: string }[] } };
  return status.status === 'Success' ? 0 : Number(status.details?.causes?.[0]?.message);
}

async function webSocket(api: KubeletApi, path: string, protocol: string): Promise<WebSocket> {
  const socket = new WebSocket(webSocketUrl(api, path), [protocol], { rejectUnauthorized: false });
  await opened(socket, path);
  if (socket.protocol !== protocol) throw new Error(`the kubelet chose ${socket.protocol}, not ${protocol}`);
  return socket;
}

function webSocketUrl(api: KubeletApi, path: string): string {
  return api.url(path).replace(/^https/, 'wss');
}

async function opened(socket: WebSocket, path: string): Promise<void> {
  const refused = new Promise<never>((_, reject) => {
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      void text(response).then((body) => reject(new Error(`${path}: ${response.statusCode} ${body.slice(0, 500)}`)));
    });
  });
  await Promise.race([once(socket, 'open', { signal: AbortSignal.timeout(LIMIT_MS) }), refused]);
  socket.on('error', () => {});
}

/**
 * ws's client refuses to name a protocol that is no token, and an answer that it did not ask for: the header is put in
 * behind its back, and the answer taken out.
 */
async function tunnelSocket(api: KubeletApi, path: string): Promise<WebSocket> {
  const protocol = `SPDY/3.1+${FORWARD_PROTOCOL}`;
  const url = webSocketUrl(api, path);
  const { hostname, port } = new URL(url);
  const connection = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  const push = connection.push;
  connection.push = (chunk: Buffer | null) => {
    connection.push = push;
    const answer = chunk?.toString('latin1').replace(`Sec-WebSocket-Protocol: ${protocol}\r\n`, '');
    return connection.push(answer === undefined ? chunk : Buffer.from(answer, 'latin1'));
  };
  const headers = { 'Sec-WebSocket-Protocol': protocol };
  const socket = new WebSocket(url, [], { headers, createConnection: () => connection });
  await opened(socket, path);
  return socket;
}

function forwardPath({ metadata: { namespace, name } }: Pod): string {
  return `/portForward/${namespace}/${name}`;
}

/** What a server on `port` of the pod answers to `request`, through a forwarded port. */
export function forwardedOverSpdy(api: KubeletApi, pod: Pod, port: number, request: string): Promise<string> {
  return forwarded(() => dialSpdy(api.url(forwardPath(pod)), FORWARD_PROTOCOL, api.certFile, LIMIT_MS), port, request);
}

/** As kubectl does since 1.31: SPDY inside a WebSocket. */
export function forwardedOverWebSocket(api: KubeletApi, pod: Pod, port: number, request: string): Promise<string> {
  const dial = async () => {
    const socket = await tunnelSocket(api, forwardPath(pod));
    const transport: Duplex = createWebSocketStream(socket);
    const limits = { idleTimeoutMs: LIMIT_MS, maxStreams: 0 };
    return new SpdyConnection({ transport, role: 'client', ...limits, onStream: () => false });
  };
  return forwarded(dial, port, request);
}

async function forwarded(dial: () => Promise<SpdyConnection>, port: number, request: string): Promise<string> {
  const tunnel = new PodTunnel(dial);
  const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as net.AddressInfo;
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = net.connect({ port: address.port, host: '127.0.0.1' });
  client.on('error', () => {});
  try {
    const [socket] = await accepted;
    const done = tunnel.forward(socket, port);
    const answer = new PassThrough();
    client.pipe(answer);
    client.write(request);
    const [said] = await Promise.all([text(answer), done]);
    return said;
  } finally {
    client.destroy();
    server.close();
    await tunnel.close();
  }
}
