/** Where the streaming server listens, and what its URLs say. */

import net from 'node:net';
import { CribError } from '../../runtime/errors.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT`, which is every address of this host. Throws INVALID_ARGUMENT. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const bracketed = match?.[1];
  if (match === null || port > 65_535 || (bracketed !== undefined && net.isIPv6(bracketed) === false)) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `the streaming address ${text} must be HOST:PORT, an IPv6 host in brackets`,
    );
  }
  const host = bracketed ?? match[2] ?? '';
  return { host: host === '' ? '::' : host, port };
}

/**
 * The base of the URLs. The kubelet, which proxies to it, runs on this host: where the server listens on every
 * address, loopback is one of them, and a URL with 0.0.0.0 would be none.
 */
export function baseUrl(listening: Address, tls: boolean): string {
  const host = LOOPBACK_OF[listening.host] ?? listening.host;
  // Neither a name nor an IPv4 address has a colon; Node's isIPv6 compiles an expression of its own for 5 ms first.
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${listening.port}`;
}

const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '127.0.0.1' };
