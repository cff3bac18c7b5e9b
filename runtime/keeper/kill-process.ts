/** Killing processes that have no cgroup of their own, through pidfds: a pid that is used again is not hit. */

import fs from 'node:fs';
import { errnoName } from '../linux/libc.js';
import { signalPidfd, startTimeOf, tryOpenPidfd } from '../linux/processes.js';

const SIGKILL = 9;
const SIGSTOP = 19;

/** SIGKILLs `pid`, with `startTime` only the process that was started then. No error when it is gone. */
export function killByPid(pid: number, startTime?: string): void {
  withPidfd(pid, (pidfd) => {
    if (startTime === undefined || startTimeOf(pid) === startTime) signalPidfd(pidfd, SIGKILL);
  });
}

/** SIGKILLs a process and its descendants, from the top: stopped, it makes no more of them meanwhile. */
export function killTree(pid: number): void {
  withPidfd(pid, (pidfd) => {
    signalPidfd(pidfd, SIGSTOP);
    let children: number[];
    try {
      children = childrenOf(pid);
    } finally {
      signalPidfd(pidfd, SIGKILL);
    }
    for (const child of children) killTree(child);
  });
}

function withPidfd(pid: number, use: (pidfd: number) => void): void {
  const pidfd = tryOpenPidfd(pid);
  if (pidfd === undefined) return;
  try {
    use(pidfd);
  } finally {
    fs.closeSync(pidfd);
  }
}

/** /proc/PID/task/TID/children of all threads (proc_tid_children(5)). */
function childrenOf(pid: number): number[] {
  try {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    return threads.flatMap((thread) =>
      fs.readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ESRCH') return []; // it has ended
    throw error;
  }
}
