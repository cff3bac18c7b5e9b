/** Which extended attributes a layer may set. */

import type { BytePath } from '../../linux/byte-paths.js';
import { tryXattr } from './disk.js';
import { hostile } from './paths.js';

/** The host's policy labels files, not the image (as with Docker's and containerd's archives of SELinux hosts). */
const PASSED_OVER = new Set(['security.selinux', 'security.ima', 'security.evm', 'system.nfs4_acl']);
const MAX_VALUE = 65536;

/**
 * Sets the attributes, values being bytes; one that the file system cannot hold is left out. Throws INVALID_ARGUMENT for
 * those by which overlayfs is steered (redirect, metacopy, opaque): they would let a layer reach into others.
 */
export function applyXattrs(path: BytePath, xattrs: ReadonlyMap<string, Buffer>): void {
  if (xattrs.size === 0) return;
  for (const [name, value] of xattrs) {
    if (PASSED_OVER.has(name)) continue;
    if (/^(trusted|user)\.overlay\./.test(name)) throw hostile(`it sets ${name}, which belongs to overlayfs`);
    if (value.length > MAX_VALUE || name.length > 255) throw hostile(`the attribute ${name.slice(0, 64)} is too large`);
    tryXattr(path, name, value);
  }
}
