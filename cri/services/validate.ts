/** Checks of a request. Each throws INVALID_ARGUMENT with the path of the field in the request. */

import net from 'node:net';
import path from 'node:path';
import { isId } from '../../runtime/containers/ids.js';
import { CribError } from '../../runtime/errors.js';

/** Kubernetes lets annotations of one object be 256 KiB together; a runtime adds some of its own. */
const MAX_LABELS_BYTES = 512 * 1024;

export function refuse(field: string, problem: string): never {
  throw new CribError('INVALID_ARGUMENT', `${field} ${problem}`);
}

/** A message that must be there. */
export function required<T>(value: T | undefined, field: string): T {
  return value ?? refuse(field, 'is required');
}

export function requiredText(value: string, field: string): string {
  return value === '' ? refuse(field, 'is required') : value;
}

/** A name of an object: there, short enough for messages and file names, and without NUL. Bytes. */
const MAX_NAME_BYTES = 1024;

export function nameOf(value: string, field: string): string {
  requiredText(value, field);
  if (Buffer.byteLength(value) > MAX_NAME_BYTES) refuse(field, `is longer than ${MAX_NAME_BYTES} bytes`);
  return noNul(value, field);
}

/** An id or a prefix of one. */
export function idOf(value: string, field: string): string {
  requiredText(value, field);
  return isId(value) ? value : refuse(field, `${shown(value)} is not an id: letters, digits and _ + . - only`);
}

/** A whole number between `low` and `high`; what is beyond a safe integer is its end of the range. */
export function integer(value: bigint | number, field: string, low: number, high = Number.MAX_SAFE_INTEGER): number {
  if (BigInt(value) < BigInt(low)) refuse(field, `is ${value}: it must not be less than ${low}`);
  if (high !== Number.MAX_SAFE_INTEGER && BigInt(value) > BigInt(high)) {
    refuse(field, `is ${value}: it must not be more than ${high}`);
  }
  return Number(value > high ? high : value);
}

/** Longest time that a call may ask for: a Node timer beyond 2^31 ms fires at once. 20 days. */
const MAX_TIMEOUT_MS = 20 * 86_400_000;

/** Milliseconds of a timeout in seconds. */
export function timeoutMs(seconds: bigint, field: string): number {
  return Math.min(integer(seconds, field, 0) * 1000, MAX_TIMEOUT_MS);
}

/** Limits for which -1, and the largest number there is, mean "unlimited". */
export function limit(value: bigint, field: string): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : integer(value, field, -1);
}

/** What open(2) and mount(2) take, less the NUL at the end. */
const MAX_PATH_BYTES = 4095;

export function absolutePath(value: string, field: string): string {
  if (!value.startsWith('/')) refuse(field, `${shown(value)} must be an absolute path`);
  return pathText(value, field);
}

/** An absolute path without a component that climbs, so that it is below what it seems to be below. */
export function plainPath(value: string, field: string): string {
  if (climbs(value)) refuse(field, `${shown(value)} must be without ".."`);
  return absolutePath(value, field);
}

/** A path below another one: relative, and without a component that climbs. */
export function pathBelow(value: string, field: string): string {
  if (climbs(value) || path.isAbsolute(value)) refuse(field, `${shown(value)} must be relative and without ".."`);
  return pathText(value, field);
}

/** As `pathBelow`, and not one that can only be a directory. */
export function fileBelow(value: string, field: string): string {
  if (/(^|\/)\.?$/.test(value)) refuse(field, `${shown(value)} must name a file, not a directory`);
  return pathBelow(value, field);
}

function climbs(value: string): boolean {
  return value.split('/').includes('..');
}

function pathText(value: string, field: string): string {
  if (Buffer.byteLength(value) > MAX_PATH_BYTES) refuse(field, `is longer than ${MAX_PATH_BYTES} bytes`);
  return noNul(value, field);
}

/** An IP address, or the empty string for all. */
export function addressOf(value: string, field: string): string {
  return value === '' || net.isIP(value) !== 0 ? value : refuse(field, `${shown(value)} is not an IP address`);
}

/** Text of a given form; `form` says it in words. */
export function matching(value: string, pattern: RegExp, form: string, field: string): string {
  return pattern.test(value) ? value : refuse(field, `${shown(value)} is not ${form}`);
}

/** Text that reaches the kernel or an argument list. */
export function noNul(value: string, field: string): string {
  return value.includes('\0') ? refuse(field, 'must not contain a NUL byte') : value;
}

export function labels(value: Readonly<Record<string, string>>, field: string): Readonly<Record<string, string>> {
  let bytes = 0;
  for (const [key, text] of Object.entries(value)) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  if (bytes > MAX_LABELS_BYTES) refuse(field, `are ${bytes} bytes together; ${MAX_LABELS_BYTES} is the most`);
  return value;
}

/** The word for an enum's number; an unknown number is refused. */
export function enumOf<T extends string>(value: number, words: readonly T[], field: string): T {
  return words[value] ?? refuse(field, `is ${value}, which is none of its values`);
}

/** Untrusted text in a message, quoted and bounded. */
export function shown(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
