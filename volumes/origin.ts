/** Where a bind mount comes from: the same directory of the same file system, found in its own place. */

import path from 'node:path';
import type { MountInfo } from '../runtime/linux/mountinfo.js';
import { isWithin } from './kind.js';
import type { MountTable } from './mount-table.js';

/** Of a mount whose root has been deleted the kernel writes this behind its name (fs/seq_file.c, seq_dentry). */
const DELETED = '//deleted';

export interface Origin {
  readonly path: string;
  /** The mount that shows the directory there. */
  readonly mount: MountInfo;
}

/** What of a mount identifies the tree that it shows. */
export type MountedTree = Pick<MountInfo, 'id' | 'device' | 'root' | 'mountPoint'>;

/** The root of a mount inside of its file system, also where that directory is gone. */
export function rootOf({ root }: Pick<MountInfo, 'root'>): string {
  return root.endsWith(DELETED) ? root.slice(0, -DELETED.length) : root;
}

export function isDeleted({ root }: Pick<MountInfo, 'root'>): boolean {
  return root.endsWith(DELETED);
}

/**
 * Every other place where `realPath`, which lies on `mount`, can be seen: mounts of the same device whose root holds it
 * (proc_pid_mountinfo(5), fields 3 and 4), unless something else is mounted over that place.
 */
export function originsOf(realPath: string, mount: MountedTree, table: MountTable): Origin[] {
  const inside = path.posix.join(rootOf(mount), path.posix.relative(mount.mountPoint, realPath));
  return table.entries.flatMap((entry) => {
    if (entry.id === mount.id || entry.device !== mount.device || !isWithin(inside, rootOf(entry))) return [];
    const place = path.posix.join(entry.mountPoint, path.posix.relative(rootOf(entry), inside));
    return table.byPath(place)?.id === entry.id ? [{ path: place, mount: entry }] : [];
  });
}
