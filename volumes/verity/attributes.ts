/**
 * The extended attributes that a root hash covers: those that say who may do what with a file (POSIX ACLs, file
 * capabilities), and those that programs read as content (`user.*`). Not labels of the host's own policy (SELinux, IMA),
 * which differ from host to host, nor `trusted.*`, which no container can read.
 */

import { type BytePath, getXattrAt, listXattrsAt } from '../../runtime/linux/byte-paths.js';
import { getXattrOf, listXattrsOf } from '../../runtime/linux/files.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { sha256 } from './file-digest.js';

const COVERED: ReadonlySet<string> = new Set([
  'security.capability',
  'system.posix_acl_access',
  'system.posix_acl_default',
]);

export type Attributes = readonly (readonly [name: string, value: Buffer])[];

/** Of an open file or directory, in the order of the bytes of their names. Throws ENODATA for one that goes meanwhile. */
export function attributesOf(fd: number): Attributes {
  return covered(() => listXattrsOf(fd)).map((name) => [name, getXattrOf(fd, name)]);
}

/** The same of a path, whose last component is not followed. A symlink has none. */
export function attributesAt(place: BytePath): Attributes {
  return covered(() => listXattrsAt(place)).map((name) => [name, getXattrAt(place, name)]);
}

/** What follows an entry's body: nothing where it has none, so that the root hash is that of a tree without. */
export function attributesDigest(attributes: Attributes): Buffer {
  if (attributes.length === 0) return Buffer.alloc(0);
  return sha256(
    ...attributes.flatMap(([name, value]) => {
      const bytes = Buffer.from(name);
      const lengths = [Buffer.alloc(2), Buffer.alloc(4)] as const;
      lengths[0].writeUInt16LE(bytes.length);
      lengths[1].writeUInt32LE(value.length);
      return [lengths[0], bytes, lengths[1], value];
    }),
  );
}

/** A file system without extended attributes has files without. */
function covered(list: () => readonly string[]): string[] {
  try {
    return list()
      .filter((name) => name.startsWith('user.') || COVERED.has(name))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    if (['ENOTSUP', 'EOPNOTSUPP'].includes(errnoName(error) ?? '')) return [];
    throw error;
  }
}
