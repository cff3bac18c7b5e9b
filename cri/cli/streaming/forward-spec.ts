/** What `crib port-forward` is asked for: `[ADDRESS:]LOCAL:REMOTE`, `:REMOTE` and `PORT`. */

import net from 'node:net';
import { CribError } from '../../../runtime/errors.js';

export interface ForwardSpec {
  /** Where to listen. */
  readonly address: string;
  /** 0: any that is free. */
  readonly local: number;
  readonly remote: number;
}

/** Reachable from this host alone, until an address is given. */
const LOOPBACK = '127.0.0.1';
const SPEC = /^(?:(?:(\[[^\]]+\]|[^:[\]]+):)?(\d{0,5}):)?(\d{1,5})$/;

/** Throws INVALID_ARGUMENT naming what is wrong. An IPv6 address stands in brackets; `localhost` is loopback. */
export function parseForward(text: string): ForwardSpec {
  const [, given = LOOPBACK, localText, remoteText = ''] = SPEC.exec(text) ?? [];
  const address = given === 'localhost' ? LOOPBACK : given.replace(/^\[(.*)\]$/, '$1');
  const remote = Number(remoteText);
  const local = localText === undefined ? remote : Number(localText);
  if (remoteText === '') throw wrong(text, 'is not [ADDRESS:]LOCAL:REMOTE, :REMOTE or PORT');
  if (net.isIP(address) === 0) throw wrong(text, `${address} is no IP address`);
  if (remote < 1 || remote > 65_535) throw wrong(text, `the pod's port ${remote} is not 1 to 65535`);
  if (local > 65_535) throw wrong(text, `the local port ${local} is not 0 to 65535`);
  return { address, local, remote };
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(address: string, port: number): string {
  return `${net.isIPv6(address) ? `[${address}]` : address}:${port}`;
}

function wrong(text: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `the port ${text}: ${why}`);
}
