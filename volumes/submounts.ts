/** The mounts below a volume's source, each with a mount of its own: for OCI runtimes that leave them out of a bind mount. */

import path from 'node:path';
import type { ResolvedMount } from '../runtime/spec/types.js';
import { isWithin } from './kind.js';
import type { MountTable } from './mount-table.js';

/**
 * One mount for every mount point below `realPath`, which `mount` has at its destination. They are writable where `mount`
 * is read-only on top alone (CRI, Mount.recursive_read_only).
 */
export function submountsOf(mount: ResolvedMount, realPath: string, table: MountTable): ResolvedMount[] {
  const isReadOnly = mount.options.includes('rro');
  const options = mount.options.filter((option) => !['ro', 'rro', 'rw'].includes(option));
  const below = table.entries
    .map(({ mountPoint }) => mountPoint)
    .filter((mountPoint) => mountPoint !== realPath && isWithin(mountPoint, realPath));
  return [...new Set(below)].map((mountPoint) => {
    const relative = path.relative(realPath, mountPoint);
    return {
      destination: path.join(mount.destination, relative),
      type: mount.type,
      source: path.join(mount.source, relative),
      options: [...options, isReadOnly ? 'ro' : 'rw'],
    };
  });
}
