/** Cgroup paths as clients give them, held inside the hierarchy. */

import { CribError } from '../errors.js';

const MAX_PATH = 3072;
const MAX_NAME = 255;

/**
 * Checks a path relative to the hierarchy's root (`/kubepods/burstable/pod1`) and returns it without a trailing slash;
 * the root itself is the empty string. Throws INVALID_ARGUMENT for a relative path, an empty, `.` or `..` element, a
 * control character, or a name that no kernel takes.
 */
export function checkCgroupPath(path: string): string {
  if (!path.startsWith('/')) throw invalid(path, 'it does not begin with /');
  if (path === '/') return '';
  if (Buffer.byteLength(path) > MAX_PATH) throw invalid(`${path.slice(0, 64)}…`, `it is longer than ${MAX_PATH} bytes`);
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path;
  for (const name of trimmed.slice(1).split('/')) checkName(path, name);
  return trimmed;
}

/** As checkCgroupPath, but refuses the root of the hierarchy: it is not ours to change, kill or remove. */
export function checkOwnCgroupPath(path: string): string {
  const checked = checkCgroupPath(path);
  if (checked === '') throw invalid(path, 'it is the root of the hierarchy, which crib does not change');
  return checked;
}

function checkName(path: string, name: string): void {
  if (name === '') throw invalid(path, 'it has an empty element');
  if (name === '.' || name === '..') throw invalid(path, `it has the element "${name}"`);
  if (Buffer.byteLength(name) > MAX_NAME) throw invalid(`${path.slice(0, 64)}…`, `a name is longer than ${MAX_NAME}`);
  for (const character of name) {
    const code = character.charCodeAt(0);
    if (code < 0x20 || code === 0x7f) throw invalid(JSON.stringify(path), 'it has a control character');
  }
}

function invalid(path: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `cgroup path "${path}" is refused: ${why}`);
}
