/** What the host has forbidden on a mount stays forbidden on a bind mount of it. */

import type { MountInfo } from '../runtime/linux/mountinfo.js';

/** In the order of mount(8)'s manual; atime is the kernel's to keep. */
const KEPT = ['nosuid', 'nodev', 'noexec', 'nosymfollow'];

/**
 * Flags that a bind mount must be given again: mount(2) with MS_REMOUNT sets exactly those that it is told, so an OCI
 * runtime that makes a volume read-only (runc, crun) or writable (crun) would clear the others.
 */
export function keptFlags(mount: Pick<MountInfo, 'options'> | undefined): string[] {
  return KEPT.filter((flag) => mount?.options.includes(flag) === true);
}

/** The mount itself is read-only, whatever its file system is. */
export function isReadOnlyMount(mount: Pick<MountInfo, 'options'> | undefined): boolean {
  return mount?.options.includes('ro') === true;
}
