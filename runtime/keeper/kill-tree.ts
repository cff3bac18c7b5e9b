/** Killing a process with everything that it started, where it has no cgroup of its own. */

import fs from 'node:fs';
import { openPidfd, signalPidfd } from '../linux/processes.js';

/** SIGKILLs a process and its descendants, from the top, so that none is made meanwhile. */
export function killTree(pid: number): void {
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch {
    return; // ESRCH
  }
  try {
    signalPidfd(pidfd, 19); // SIGSTOP: it has no more children after this
    const children = childrenOf(pid);
    signalPidfd(pidfd, 9);
    for (const child of children) killTree(child);
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
  } catch {
    return [];
  }
}
