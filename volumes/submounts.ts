/** The mounts below a volume's source, each with a mount of its own: for OCI runtimes that leave them out of a bind mount. */

import path from 'node:path';
import type { ResolvedMount } from '../runtime/spec/types.js';
import { isWithin } from './kind.js';
import { isReadOnlyMount, keptFlags } from './mount-flags.js';
import type { MountTable } from './mount-table.js';

/**
 * One mount for every mount point below `realPath`, which `mount` has at its destination. They are writable where `mount`
 * is read-only on top alone (CRI, Mount.recursive_read_only).
 */
export function submountsOf(mount: ResolvedMount, realPath: string, table: MountTable): ResolvedMount[] {
  const isReadOnly = mount.options.includes('rro');
  const shared = mount.options.filter((option) => /^r?bind$|^r?(private|slave|shared)$/.test(option));
  const below = table.entries.filter((entry) => entry.mountPoint !== realPath && isWithin(entry.mountPoint, realPath));
  // Of several on one place the last one is seen.
  const seen = new Map(below.map((entry) => [entry.mountPoint, entry]));
  return [...seen.values()].map((entry) => {
    const relative = path.relative(realPath, entry.mountPoint);
    return {
      destination: path.join(mount.destination, relative),
      type: mount.type,
      source: path.join(mount.source, relative),
      options: [...shared, isReadOnly || isReadOnlyMount(entry) ? 'ro' : 'rw', ...keptFlags(entry)],
    };
  });
}
