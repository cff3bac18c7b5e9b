/** Names of entries: bytes as latin1 strings, relative to the layer's root (''), without `.`, `..` or empty parts. */

import { CribError } from '../../errors.js';
import type { BytePath } from '../../linux/byte-paths.js';

/** Bytes of a name from the root of its layer: on the host, where the layer is somewhere, PATH_MAX must hold it too. */
const MAX_PATH = 4000;

/** What a layer that contradicts itself is refused with. */
export function hostile(detail: string): CribError {
  return new CribError('INVALID_ARGUMENT', `unpack a layer: ${detail}; the layer is refused`);
}

/** Normalises a name of the archive as containerd does: a `..` takes the part before it back, and `/..` is `/`. */
export function normalise(name: string): string {
  if (!/(^|\/)\.{0,2}(\/|$)/.test(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** The name as text for messages, bounded. */
export function shown(name: string): string {
  return JSON.stringify(Buffer.from(name.slice(0, 256), 'latin1').toString('utf8'));
}

export function join(parent: string, base: string): string {
  return parent === '' ? base : `${parent}/${base}`;
}

/** The path, where it is not too long to be made. Throws INVALID_ARGUMENT. */
export function checkedPath(path: string): string {
  if (path.length > MAX_PATH) throw hostile(`it has a name of ${path.length} bytes, over the limit of ${MAX_PATH}`);
  return path;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path as the kernel takes it, under `root` ('' when the layer is the process's own root). */
export function onDisk(path: string, root = ''): BytePath {
  const full = `${root}/${path}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(full) ? full : Buffer.from(full, 'latin1');
}
