/** IP addresses and subnets as numbers, so that they can be counted, compared and put on the wire. */

import net from 'node:net';
import { CribError } from '../../runtime/errors.js';

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface Subnet {
  readonly family: 4 | 6;
  /** The first address. */
  readonly base: bigint;
  readonly prefix: number;
  /** How many addresses there are. */
  readonly size: bigint;
}

/** undefined when it is no address; a zone (`fe80::1%eth0`) is none. */
export function parseAddress(text: string): Address | undefined {
  if (net.isIPv4(text)) {
    return { family: 4, value: text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
  }
  if (!net.isIPv6(text) || text.includes('%')) return undefined;
  // WHATWG URL writes an embedded IPv4 address as hexadecimal groups.
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (half: string) => (half === '' ? [] : half.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const all = [...left, ...zeros, ...right];
  return { family: 6, value: all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

/** Dotted for IPv4, RFC 5952 for IPv6. */
export function formatAddress({ family, value }: Address): string {
  const bytes = addressBytes({ family, value });
  if (family === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** 4 or 16 bytes in network order. */
export function addressBytes({ family, value }: Address): Buffer {
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

/**
 * `10.1.2.0/24`. Throws INVALID_ARGUMENT, also when host bits are set, and for what pods cannot have: a bridge on
 * 0.0.0.0/0 would take the host's own traffic.
 */
export function parseSubnet(text: string): Subnet {
  const parsed = parsePrefixed(text);
  if (parsed === undefined) throw new CribError('INVALID_ARGUMENT', `subnet ${text}: not an address with a prefix`);
  const { address, prefix } = parsed;
  const size = 1n << BigInt((address.family === 4 ? 32 : 128) - prefix);
  if (address.value % size !== 0n) {
    const base = formatAddress({ family: address.family, value: address.value - (address.value % size) });
    throw new CribError('INVALID_ARGUMENT', `subnet ${text}: has host bits set; did you mean ${base}/${prefix}?`);
  }
  const [first = 0] = addressBytes(address);
  if (address.family === 4 ? first === 0 || first === 127 || first >= 224 : first === 0 || first === 255) {
    throw new CribError('INVALID_ARGUMENT', `subnet ${text}: no pod can have its addresses; take one as 10.88.0.0/16`);
  }
  return { family: address.family, base: address.value, prefix, size };
}

/** An address with its prefix length, `10.1.2.3/24`; undefined when it is none. */
export function parsePrefixed(text: string): { address: Address; prefix: number } | undefined {
  const match = /^([^/]{1,64})\/(\d{1,3})$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  const prefix = Number(match?.[2]);
  if (address === undefined || prefix > (address.family === 4 ? 32 : 128)) return undefined;
  return { address, prefix };
}
