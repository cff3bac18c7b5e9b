/**
 * User namespaces. A process with threads cannot unshare one (user_namespaces(7)), but clone(2) makes a child that is
 * born in one, and what the same call makes besides is owned by it. The child is libc's own sleep(3) on a stack of its
 * own in this process's memory: it runs no code of ours and copies no page tables (0.5 ms with a network namespace), it
 * ends when `use` has returned, and by itself when this process is killed meanwhile.
 */

import fs from 'node:fs';
import koffi from 'koffi';
import { CribError, messageOf } from '../errors.js';
import { CLONE } from './constants.js';
import { bind, errnoName } from './libc.js';

const dlsym = koffi.load('libc.so.6').func('void *dlsym(intptr_t handle, const char *name)');
const cloneCall = bind('clone', 'int clone(void *function, void *stack, int flags, long argument)');
const sigprocmaskCall = bind('sigprocmask', 'int sigprocmask(int how, void *set, void *previous)');
const waitpidCall = bind('waitpid', 'int waitpid(int pid, void *status, int options)');

const SIGKILL = 9;
const SIGCHLD = 17;
const SIG_SETMASK = 2;
const SIGSET_BYTES = 128;
const STACK_BYTES = 64 * 1024;
/** How long a child is there at most when nobody ends it. */
const LIFE_SECONDS = 5;

/** One line of /proc/PID/uid_map: `length` ids from `containerId` on are those from `hostId` on outside. */
export interface IdRange {
  readonly containerId: number;
  readonly hostId: number;
  readonly length: number;
}

export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** The child's stack. It is used by one child at a time, and must stay where it is. */
let stack: Buffer | undefined;

/**
 * Makes a user namespace with `maps`, and in it the namespaces of `flags` (CLONE.NEW*), and calls `use` with the
 * directory of them all (`/proc/PID/ns`). They last as long as something holds them: a descriptor, a bind mount. All calls
 * are synchronous. Throws FAILED_PRECONDITION where the kernel makes none or refuses the mapping.
 */
export function withUserNamespace<T>(maps: IdMaps, flags: number, use: (directory: string) => T): T {
  const pid = cloneSleeper(flags | CLONE.NEWUSER);
  try {
    writeMap(`/proc/${pid}/uid_map`, maps.uids);
    writeMap(`/proc/${pid}/gid_map`, maps.gids);
    return use(`/proc/${pid}/ns`);
  } finally {
    process.kill(pid, SIGKILL);
    waitpidCall([pid, Buffer.alloc(4), 0], `pid ${pid}`);
  }
}

/** A descriptor of a new user namespace with `maps`, for id-mapped mounts. The caller closes it. */
export function openUserNamespace(maps: IdMaps): number {
  return withUserNamespace(maps, 0, (directory) => fs.openSync(`${directory}/user`, 'r'));
}

/** The child shares memory and is born with all signals blocked, so that no handler of Node's ever runs in it. */
function cloneSleeper(flags: number): number {
  stack ??= Buffer.alloc(STACK_BYTES);
  const top = (BigInt(koffi.address(stack)) + BigInt(STACK_BYTES)) & ~0xfn;
  const sleep: unknown = dlsym(0, 'sleep');
  const previous = Buffer.alloc(SIGSET_BYTES);
  sigprocmaskCall([SIG_SETMASK, Buffer.alloc(SIGSET_BYTES, 0xff), previous]);
  try {
    return cloneCall([sleep, top, flags | CLONE.VM | SIGCHLD, LIFE_SECONDS], 'with a user namespace');
  } catch (error) {
    throw new CribError('FAILED_PRECONDITION', `making a user namespace: ${messageOf(error)}${wayOut(error)}`, {
      cause: error,
    });
  } finally {
    sigprocmaskCall([SIG_SETMASK, previous, null]);
  }
}

function wayOut(error: unknown): string {
  const code = errnoName(error);
  if (code === 'ENOSPC') return '; raise the limits under /proc/sys/user (max_user_namespaces first)';
  if (code === 'EINVAL') return '; this kernel is built without CONFIG_USER_NS, or a namespace kind is missing';
  if (code === 'EPERM') return '; the host forbids user namespaces';
  return '';
}

/** user_namespaces(7): one write, of lines; the whole of it is taken or refused. */
function writeMap(file: string, ranges: readonly IdRange[]): void {
  const lines = ranges.map(({ containerId, hostId, length }) => `${containerId} ${hostId} ${length}`);
  try {
    fs.writeFileSync(file, lines.join('\n'));
  } catch (error) {
    const why = errnoName(error) === 'EPERM' ? 'the host ids are not all ids of this host' : messageOf(error);
    throw new CribError('FAILED_PRECONDITION', `mapping ids "${lines.join(', ')}" in a user namespace: ${why}`, {
      cause: error,
    });
  }
}
