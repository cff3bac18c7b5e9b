/** mount(2) and the descriptor-based mount calls (open_tree, move_mount, mount_setattr, fsopen: Linux 5.2 to 5.12). */

import fs from 'node:fs';
import { AT, FSCONFIG, MNT, MOVE_MOUNT, O, OPEN_TREE } from './constants.js';
import { bind, bindAway, bindNumber, errnoName } from './libc.js';

const mountCall = bind(
  'mount',
  'int mount(const char *s, const char *t, const char *f, unsigned long fl, const char *d)',
);
const UMOUNT = 'int umount2(const char *target, int flags)';
const umountCall = bind('umount2', UMOUNT);
const umountAwayCall = bindAway('umount2', UMOUNT);
const openTreeCall = bindNumber('open_tree', 428, ['int', 'const char *', 'unsigned int']);
const moveMountCall = bindNumber('move_mount', 429, ['int', 'const char *', 'int', 'const char *', 'unsigned int']);
const fsopenCall = bindNumber('fsopen', 430, ['const char *', 'unsigned int']);
const fsconfigCall = bindNumber('fsconfig', 431, ['int', 'unsigned int', 'const char *', 'const char *', 'int']);
const fsmountCall = bindNumber('fsmount', 432, ['int', 'unsigned int', 'unsigned int']);
const setattrCall = bindNumber('mount_setattr', 442, ['int', 'const char *', 'unsigned int', 'void *', 'size_t']);

/** mount(2). `source`, `type` and `data` may be empty where the operation takes none. */
export function mount(source: string, target: string, type: string, flags: number, data = ''): void {
  mountCall([source || 'none', target, type || null, flags, data || null], `${source} on ${target}`);
}

/** umount2(2), never following a symlink at `target`. */
export function unmount(target: string, flags: number = MNT.DETACH): void {
  umountCall([target, flags | MNT.UMOUNT_NOFOLLOW], target);
}

/**
 * As `unmount`, without the calling thread, which that stops for a grace period of the kernel: 1 to 3 ms. All threads of
 * a process but those that unshared have its mount namespace.
 */
export async function unmountAway(target: string, flags: number = MNT.DETACH): Promise<void> {
  await umountAwayCall([target, flags | MNT.UMOUNT_NOFOLLOW], target);
}

/**
 * The same of the mount whose root `fd` is, by its link in /proc: whatever has taken its name since is left alone. Throws
 * EINVAL where `fd` is not the root of a mount. `name` says in the error what it was.
 */
export async function unmountDescriptor(fd: number, name: string, flags: number = MNT.DETACH): Promise<void> {
  await umountAwayCall([`/proc/self/fd/${fd}`, flags], name);
}

/**
 * open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount that holds `path`. The caller closes the descriptor,
 * which drops the copy unless it was moved into place.
 */
export function cloneTree(directoryFd: number, path: string, recursive: boolean): number {
  const flags =
    OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC | (recursive ? AT.RECURSIVE : 0) | (path === '' ? AT.EMPTY_PATH : 0);
  return openTreeCall([directoryFd, path, flags], path);
}

/** move_mount(2) of a detached mount onto `target`, which may be a path below `targetFd` or empty for `targetFd` itself. */
export function attachTree(treeFd: number, targetFd: number, target: string): void {
  const flags = MOVE_MOUNT.F_EMPTY_PATH | (target === '' ? MOVE_MOUNT.T_EMPTY_PATH : 0);
  moveMountCall([treeFd, '', targetFd, target, flags], target);
}

export interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  /** An MS.* propagation flag. */
  readonly propagation?: number;
  /** User namespace for an id-mapped mount (MOUNT_ATTR.IDMAP must be in `set`). */
  readonly userNamespaceFd?: number;
}

/** mount_setattr(2) on the mount at `fd` itself (AT_EMPTY_PATH), with its submounts when `recursive`. */
export function setMountAttributes(fd: number, attributes: MountAttributes, recursive: boolean): void {
  const value = Buffer.alloc(32);
  value.writeBigUInt64LE(BigInt(attributes.set ?? 0), 0);
  value.writeBigUInt64LE(BigInt(attributes.clear ?? 0), 8);
  value.writeBigUInt64LE(BigInt(attributes.propagation ?? 0), 16);
  value.writeBigUInt64LE(BigInt(attributes.userNamespaceFd ?? 0), 24);
  setattrCall([fd, '', AT.EMPTY_PATH | (recursive ? AT.RECURSIVE : 0), value, value.length], `fd ${fd}`);
}

/** Whether the kernel has this file system, after it has loaded the module of one that it does not have yet (fsopen(2)). */
export function hasFilesystem(type: string): boolean {
  try {
    fs.closeSync(fsopenCall([type, 1], type));
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENODEV') return false;
    throw error;
  }
}

/** Mount options by name; a value of `null` is a flag. */
export type MountOptions = readonly (readonly [string, string | null])[];

/**
 * A new file system by fsopen(2) and fsconfig(2), which have no page-size limit on all options together as mount(2)
 * has, mounted nowhere yet. The caller attaches and closes it. Needs Linux 5.2; repeated `lowerdir+` needs 6.5.
 */
export function makeTree(type: string, options: MountOptions, attributes = 0): number {
  const context = fsopenCall([type, 1], type);
  try {
    for (const [key, value] of options) {
      const command = value === null ? FSCONFIG.SET_FLAG : FSCONFIG.SET_STRING;
      fsconfigCall([context, command, key, value, 0], `${type} ${key}=${value ?? ''}`);
    }
    fsconfigCall([context, FSCONFIG.CMD_CREATE, null, null, 0], type);
    return fsmountCall([context, 1, attributes], type);
  } finally {
    fs.closeSync(context);
  }
}

/** The same, attached at `target`. */
export function mountByOptions(type: string, target: string, options: MountOptions, attributes = 0): void {
  const tree = makeTree(type, options, attributes);
  try {
    attachTree(tree, AT.FDCWD, target);
  } finally {
    fs.closeSync(tree);
  }
}

/** Opens `path` with O_PATH, not following a final symlink; what is opened cannot be swapped any more. */
export function openPath(path: string): number {
  return fs.openSync(path, O.PATH | O.CLOEXEC | O.NOFOLLOW);
}
