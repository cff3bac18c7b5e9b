/**
 * Locks the unpacker in before it sees the first byte of a layer: a root directory of its own in a mount namespace of
 * its own, no network, and no capability but those that writing files with foreign owners takes. Acts on the calling
 * thread; libuv's pool stays outside and is only ever given zlib work.
 */

import { CLONE, MS } from '../../linux/constants.js';
import { mount } from '../../linux/mounts.js';
import { chroot, unshare } from '../../linux/namespaces.js';
import { CAP, keepCapabilities, setNoNewPrivileges } from '../../linux/privileges.js';
import { dieWithParent, resourceLimit } from '../../linux/processes.js';

const SIGKILL = 9;
const RLIMIT_CORE = 4;

/** Chroots into `directory`. `parentPid` is who started this process: without it, nobody waits for the result. */
export function enterJail(directory: string, parentPid: number): void {
  dieWithParent(SIGKILL);
  if (process.ppid !== parentPid) process.exit(1);
  resourceLimit(RLIMIT_CORE, { soft: 0n, hard: 0n });
  unshare(CLONE.NEWNS | CLONE.NEWNET);
  mount('', '/', '', MS.REC | MS.PRIVATE);
  chroot(directory);
  process.chdir('/');
  process.umask(0);
  setNoNewPrivileges();
  // SYS_ADMIN is what trusted.overlay.opaque takes; without SYS_CHROOT there is no second chroot to break out by.
  keepCapabilities([
    CAP.CHOWN,
    CAP.DAC_OVERRIDE,
    CAP.DAC_READ_SEARCH,
    CAP.FOWNER,
    CAP.FSETID,
    CAP.MKNOD,
    CAP.SETFCAP,
    CAP.SYS_ADMIN,
  ]);
}
