/** Checks of what a client sent. Each throws INVALID_ARGUMENT that names the CRI field. */

import path from 'node:path';
import { CribError } from '../errors.js';

export function invalid(field: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `${field}: ${why}`);
}

/** A NUL byte ends an argument of execve(2) and of every path: what follows it would be lost in silence. */
export function checkText(field: string, value: string): string {
  if (value.includes('\0')) throw invalid(field, 'holds a NUL byte');
  return value;
}

/** Returns the path cleaned of `.`, `..`, double and trailing slashes. */
export function checkAbsolute(field: string, value: string): string {
  if (!value.startsWith('/')) throw invalid(field, `${JSON.stringify(value)} is not an absolute path`);
  return cleanPath(checkText(field, value));
}

export function cleanPath(value: string): string {
  const clean = path.posix.normalize(value);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

export function checkInteger(field: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`;
  throw invalid(field, `${value} is not an integer ${range}`);
}
