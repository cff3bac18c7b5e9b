/** Which extended attributes a layer may set. */

import type { BytePath } from '../../linux/byte-paths.js';
import { tryXattr } from './disk.js';
import { hostile } from './paths.js';

/**
 * The host's policy labels files, not the image (as with Docker's and containerd's archives of SELinux hosts). Archives of
 * the directories of an overlay have its own marks, by which it would be steered into other layers.
 */
const PASSED_OVER = /^(?:security\.(?:selinux|ima|evm)|system\.nfs4_acl|(?:trusted|user)\.overlay\..*)$/s;
const MAX_VALUE = 65536;

/** Sets the attributes, values being bytes; one that the file system cannot hold is left out. */
export function applyXattrs(path: BytePath, xattrs: ReadonlyMap<string, Buffer>): void {
  if (xattrs.size === 0) return;
  for (const [name, value] of xattrs) {
    if (PASSED_OVER.test(name)) continue;
    if (value.length > MAX_VALUE || name.length > 255) throw hostile(`the attribute ${name.slice(0, 64)} is too large`);
    tryXattr(path, name, value);
  }
}
