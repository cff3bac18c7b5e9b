/**
 * One 512-byte tar header: v7, ustar (POSIX.1-1988), GNU and star. Names are kept byte for byte as latin1 strings, for
 * a tar knows no encoding.
 */

import { CribError } from '../../errors.js';

export const BLOCK = 512;

export interface RawHeader {
  /** Type flag; NUL in v7. */
  readonly flag: string;
  /** The prefix joined on, where the format has one. */
  readonly name: string;
  readonly linkName: string;
  /** Permission bits only (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** What every malformed archive is refused with. */
export function badTar(detail: string): CribError {
  return new CribError('INVALID_ARGUMENT', `read the layer's tar stream: ${detail}; the image must be built anew`);
}

/** Parses a header block. undefined: a block of zeros. Throws INVALID_ARGUMENT for a wrong checksum or number. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  if (!checksumHolds(block)) {
    if (isZero(block)) return undefined;
    throw badTar('a header has a wrong checksum');
  }
  const flag = String.fromCharCode(block[156] ?? 0);
  const name = text(block, 0, 100);
  const prefix = prefixOf(block);
  return {
    flag,
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8, 'mode') & 0o7777,
    uid: number(block, 108, 8, 'uid'),
    gid: number(block, 116, 8, 'gid'),
    size: number(block, 124, 12, 'size'),
    mtime: number(block, 136, 12, 'mtime'),
    deviceMajor: flag === '3' || flag === '4' ? number(block, 329, 8, 'device') : 0,
    deviceMinor: flag === '3' || flag === '4' ? number(block, 337, 8, 'device') : 0,
  };
}

/** GNU's magic (`ustar  `) has other things in place of the prefix; star's is shorter. */
function prefixOf(block: Buffer): string {
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return '';
  return text(block, 345, block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155);
}

/** The sum of all bytes with the checksum field taken as blanks; some old tars summed signed bytes. */
function checksumHolds(block: Buffer): boolean {
  let unsigned = 8 * 32;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i === 148) i = 156;
    const byte = block[i] ?? 0;
    unsigned += byte;
    high += byte >> 7;
  }
  const field = block
    .toString('latin1', 148, 156)
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (!/^[0-7]+$/.test(field)) return false;
  const wanted = Number.parseInt(field, 8);
  return wanted === unsigned || wanted === unsigned - 256 * high;
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

function text(block: Buffer, start: number, length: number): string {
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end < 0 || end > start + length ? start + length : end);
}

/** Octal digits between blanks and NULs, or GNU's base-256: a set top bit, then a big-endian two's complement. */
function number(block: Buffer, start: number, length: number, field: string): number {
  if (((block[start] ?? 0) & 0x80) !== 0) return base256(block, start, length, field);
  const end = start + length;
  let at = start;
  while (at < end && isBlank(block[at])) at++;
  let value = 0;
  for (; at < end && !isBlank(block[at]); at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw badTar(`the ${field} of a header is not a number`);
    value = value * 8 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20;
}

function base256(block: Buffer, start: number, length: number, field: string): number {
  const negative = ((block[start] ?? 0) & 0x40) !== 0;
  let value = BigInt((block[start] ?? 0) & 0x7f) - (negative ? 0x80n : 0n);
  for (let i = start + 1; i < start + length; i++) value = value * 256n + BigInt(block[i] ?? 0);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw badTar(`the ${field} of a header is out of range`);
  return result;
}
