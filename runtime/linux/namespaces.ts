/**
 * unshare(2) and setns(2): they act on the calling thread, so a caller makes synchronous calls only until it is back
 * in its own namespaces, or its thread ends.
 */

import { bind } from './libc.js';

const unshareCall = bind('unshare', 'int unshare(int flags)');
const setnsCall = bind('setns', 'int setns(int fd, int type)');
const gettidCall = bind('gettid', 'int gettid()');
const sethostnameCall = bind('sethostname', 'int sethostname(const char *name, size_t length)');
const setresuidCall = bind('syscall', 'long syscall(long number, long real, long effective, long saved)');
const chrootCall = bind('chroot', 'int chroot(const char *path)');
const fchdirCall = bind('fchdir', 'int fchdir(int fd)');

/** unshare(2); `flags` are CLONE.*. */
export function unshare(flags: number): void {
  unshareCall([flags], `0x${flags.toString(16)}`);
}

/** setns(2); `type` is a CLONE.* flag or 0 for any. */
export function setNamespace(fd: number, type: number): void {
  setnsCall([fd, type], `fd ${fd}`);
}

/** Kernel id of the calling thread: its namespaces are under /proc/self/task/TID/ns. */
export function threadId(): number {
  return gettidCall([]);
}

/** sethostname(2) in the calling thread's UTS namespace; at most 64 bytes. */
export function setHostname(name: string): void {
  sethostnameCall([name, Buffer.byteLength(name)], name);
}

/** The numbers of setresuid(2): libc's own wrapper changes all threads of the process, the call itself only this one. */
const SETRESUID: Readonly<Record<string, number | undefined>> = { x64: 117, arm64: 147, riscv64: 147, s390x: 208 };

/** Runs `action`, which is synchronous, with another effective user id on this thread (capabilities(7): without its effective ones). */
export function withEffectiveUser(uid: number, action: () => void): void {
  const call = SETRESUID[process.arch];
  if (call === undefined) throw new Error(`setresuid(2) is not known for ${process.arch}`);
  const own = process.geteuid?.() ?? 0;
  setresuidCall([call, -1, uid, -1], `effective user ${uid}`);
  try {
    action();
  } finally {
    setresuidCall([call, -1, own, -1], `effective user ${own}`);
  }
}

/** chroot(2), for the whole process; the caller changes directory. */
export function chroot(path: string): void {
  chrootCall([path], path);
}

/** fchdir(2), for the whole process. */
export function changeDirectory(fd: number): void {
  fchdirCall([fd], `fd ${fd}`);
}
