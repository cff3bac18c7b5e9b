/** Ids of pods and containers, and what may be joined to a directory of crib's. */

import crypto from 'node:crypto';
import path from 'node:path';
import { CribError } from '../errors.js';

const ID = /^[A-Za-z0-9_+.-]{1,128}$/;

/** A new id: 64 hexadecimal digits, as the other runtimes have them and crictl abbreviates them. */
export function newId(): string {
  return crypto.randomBytes(32).toString('hex');
}

/** True for an id that is one component of a path and nothing else (runc's rule, less `.` and `..`). */
export function isId(text: string): boolean {
  return ID.test(text) && text !== '.' && text !== '..';
}

/** The directory of `id` below `root`. Throws INVALID_ARGUMENT for an id that would lead anywhere else. */
export function directoryOf(root: string, id: string): string {
  if (!isId(id)) {
    throw new CribError('INVALID_ARGUMENT', `id ${JSON.stringify(id)} may only have letters, digits and _ + . -`);
  }
  return path.join(root, id);
}
