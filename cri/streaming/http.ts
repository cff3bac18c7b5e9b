/** HTTP around an upgrade: what the client asked for, and answers on a socket that is no longer the HTTP server's. */

import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** A client's socket that asked for an upgrade. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent after its request. */
  readonly head: Buffer;
}

/** Values of a header that is a list; its names in lower case. */
export function listHeader(request: IncomingMessage, name: string): string[] {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

export function wantsUpgradeTo(request: IncomingMessage, protocol: string): boolean {
  return listHeader(request, 'upgrade').some((entry) => entry.toLowerCase() === protocol);
}

/** Answers and closes. */
export function refuse(socket: Duplex, status: number, message: string, headers: readonly string[] = []): void {
  socket.on('error', () => socket.destroy());
  const body = `${message}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...headers,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** 101: from here the socket speaks `upgrade`. */
export function switchProtocols(socket: Duplex, upgrade: string, headers: readonly string[]): void {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${upgrade}`, ...headers];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
}
