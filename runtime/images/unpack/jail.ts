/**
 * Locks the unpacker in before it sees the first byte of a layer: a root directory of its own in a mount namespace of
 * its own, no network, and no capability but those that writing files with foreign owners takes. Acts on the calling
 * thread; libuv's pool stays outside and is only ever given zlib work.
 */

import { CLONE, MS } from '../../linux/constants.js';
import { mount } from '../../linux/mounts.js';
import { changeDirectory, chroot, unshare } from '../../linux/namespaces.js';
import { CAP, keepCapabilities, setNoNewPrivileges } from '../../linux/privileges.js';
import { dieWithParent, resourceLimit } from '../../linux/processes.js';

const SIGKILL = 9;
const RLIMIT_CORE = 4;

/** What files with foreign owners take; SYS_ADMIN is for trusted.overlay.opaque. */
const WRITING = [
  CAP.CHOWN,
  CAP.DAC_OVERRIDE,
  CAP.DAC_READ_SEARCH,
  CAP.FOWNER,
  CAP.FSETID,
  CAP.MKNOD,
  CAP.SETFCAP,
  CAP.SYS_ADMIN,
];

/** Chroots into `directory` for good. `parentPid` is who started this process: without it, nobody waits for the result. */
export function enterJail(directory: string, parentPid: number): void {
  leaveHost(parentPid);
  chroot(directory);
  process.chdir('/');
  // Without SYS_CHROOT there is no second chroot to break out by.
  keepCapabilities(WRITING);
}

/** The same for a process that goes from one directory to the next, by enterTree(). */
export function enterOpenJail(parentPid: number): void {
  leaveHost(parentPid);
  keepCapabilities([...WRITING, CAP.SYS_CHROOT]);
}

/**
 * Makes `tree` (a descriptor) the root directory: a mount of that directory alone, attached nowhere (cloneTree()).
 * Nothing lies above it, so that a second chroot does not lead out of it either.
 */
export function enterTree(tree: number): void {
  changeDirectory(tree);
  chroot('.');
}

function leaveHost(parentPid: number): void {
  dieWithParent(SIGKILL);
  if (process.ppid !== parentPid) process.exit(1);
  resourceLimit(RLIMIT_CORE, { soft: 0n, hard: 0n });
  unshare(CLONE.NEWNS | CLONE.NEWNET);
  mount('', '/', '', MS.REC | MS.PRIVATE);
  process.umask(0);
  setNoNewPrivileges();
}
