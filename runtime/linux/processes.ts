/** Processes: pidfds, waiting, subreaping, limits, and identity by start time. */

import fs from 'node:fs';
import { CLD, PR, W } from './constants.js';
import { bind, bindNumber, errnoName } from './libc.js';

const prctlCall = bind(
  'prctl',
  'int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const waitidCall = bind('waitid', 'int waitid(int type, unsigned int id, void *info, int options)');
const pidfdOpenCall = bindNumber('pidfd_open', 434, ['int', 'unsigned int']);
const pidfdSignalCall = bindNumber('pidfd_send_signal', 424, ['int', 'int', 'void *', 'unsigned int']);
const prlimitCall = bind('prlimit', 'int prlimit(int pid, int resource, void *next, void *previous)');
const ioctlCall = bind('ioctl', 'int ioctl(int fd, unsigned long request, void *argument)');

/** prctl(2) PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process. */
export function becomeSubreaper(): void {
  prctlCall([PR.SET_CHILD_SUBREAPER, 1, 0, 0, 0], 'PR_SET_CHILD_SUBREAPER');
}

/** prctl(2) PR_SET_PDEATHSIG: this process is signalled when the thread that started it ends. */
export function dieWithParent(signal: number): void {
  prctlCall([PR.SET_PDEATHSIG, signal, 0, 0, 0], 'PR_SET_PDEATHSIG');
}

export interface ChildExit {
  readonly pid: number;
  /** As a shell has it: the exit code, or 128 + signal. */
  readonly exitCode: number;
  /** 0 when it was not signalled. */
  readonly signal: number;
}

/**
 * waitid(2) with WNOHANG. `idType` is P.*; `peek` leaves the child to be reaped (WNOWAIT). undefined: no child has
 * ended, or there is none (ECHILD).
 */
export function waitForExit(idType: number, id: number, peek: boolean): ChildExit | undefined {
  const info = Buffer.alloc(128);
  try {
    waitidCall([idType, id, info, W.EXITED | W.NOHANG | (peek ? W.NOWAIT : 0)], String(id));
  } catch (error) {
    if (errnoName(error) === 'ECHILD') return undefined;
    throw error;
  }
  const pid = info.readInt32LE(16); // siginfo_t of a 64-bit machine: signo, errno, code, padding, pid, uid, status
  if (pid === 0) return undefined;
  return { pid, ...exitOf(info.readInt32LE(8), info.readInt32LE(24)) };
}

function exitOf(code: number, status: number): { exitCode: number; signal: number } {
  if (code === CLD.EXITED) return { exitCode: status & 0xff, signal: 0 };
  return { exitCode: 128 + status, signal: status };
}

/** pidfd_open(2); the caller closes it. Throws ESRCH when the process is gone. */
export function openPidfd(pid: number): number {
  return pidfdOpenCall([pid, 0], `pid ${pid}`);
}

/** As openPidfd; undefined when no process has this number: it is gone, or the number is now a thread's of another one. */
export function tryOpenPidfd(pid: number): number | undefined {
  try {
    return openPidfd(pid);
  } catch (error) {
    const name = errnoName(error);
    if (name === 'ESRCH' || name === 'EINVAL' || name === 'ENOENT') return undefined;
    throw error;
  }
}

/** pidfd_send_signal(2). False when the process has ended. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  try {
    pidfdSignalCall([pidfd, signal, null, 0], `signal ${signal}`);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ESRCH') return false;
    throw error;
  }
}

/**
 * PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15): how a process that somebody else reaped has ended. undefined: it
 * has not been reaped yet, or this kernel cannot tell.
 */
export function pidfdExit(pidfd: number): { exitCode: number; signal: number } | undefined {
  const PIDFD_GET_INFO = 0xc048ff0b; // _IOWR(0xFF, 11, struct pidfd_info of 72 bytes)
  const PIDFD_INFO_EXIT = 1n << 3n;
  const info = Buffer.alloc(72);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  try {
    ioctlCall([pidfd, PIDFD_GET_INFO, info], 'PIDFD_GET_INFO');
  } catch {
    return undefined;
  }
  if ((info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n) return undefined;
  const status = info.readInt32LE(60);
  const signal = status & 0x7f;
  return signal === 0 ? { exitCode: (status >> 8) & 0xff, signal: 0 } : { exitCode: 128 + signal, signal };
}

/**
 * Field 22 of /proc/PID/stat, the clock ticks since boot at which a process was started: with the pid it names one
 * process for good. undefined when it does not exist or is a zombie. Throws where that cannot be told (EMFILE).
 */
export function startTimeOf(pid: number): string | undefined {
  const [state, ...fields] = statOf(pid) ?? ['X'];
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

/** Field 4 of /proc/PID/stat, the parent; of a zombie too. undefined when it does not exist. Throws where that cannot be told. */
export function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Fields of /proc/PID/stat from the third, the state. The second, a name in brackets, may hold brackets and blanks. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    const name = errnoName(error);
    if (name === 'ENOENT' || name === 'ESRCH') return undefined;
    throw error;
  }
}

/** /proc/sys/kernel/random/boot_id: after a reboot another process may have the same pid and start time. */
export function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** prlimit(2), of this process unless `pid` is given: sets `next` where given, returns what was in force before. */
export function resourceLimit(resource: number, next?: ResourceLimit, pid = 0): ResourceLimit {
  const previous = Buffer.alloc(16);
  let value: Buffer | null = null;
  if (next !== undefined) {
    value = Buffer.alloc(16);
    value.writeBigUInt64LE(next.soft, 0);
    value.writeBigUInt64LE(next.hard, 8);
  }
  prlimitCall([pid, resource, value, previous], String(resource));
  return { soft: previous.readBigUInt64LE(0), hard: previous.readBigUInt64LE(8) };
}
