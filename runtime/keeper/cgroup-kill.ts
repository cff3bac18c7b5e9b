/** Killing everything in a cgroup and those below it (cgroups(7); cgroup.kill of v2 since Linux 5.14). */

import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoName } from '../linux/libc.js';

/** A cgroup that forks faster than it is killed, or whose processes hang in the kernel, is given up after this. */
const MAX_KILL_MS = 5000;

/** SIGKILLs all processes under `directories` until there are none. A directory that is gone has none. */
export async function killCgroups(directories: readonly string[]): Promise<void> {
  const deadline = performance.now() + MAX_KILL_MS;
  for (let delay = 1; ; delay = Math.min(delay * 2, 50)) {
    let found = 0;
    for (const directory of directories) found += await killOnce(directory);
    if (found === 0 || performance.now() > deadline) return;
    await sleep(delay);
  }
}

async function killOnce(directory: string): Promise<number> {
  let found = 0;
  const pids = await pidsOf(directory);
  if (pids === undefined) return 0;
  for (const entry of await childrenOf(directory)) found += await killOnce(path.join(directory, entry));
  const others = pids.filter((pid) => pid > 1 && pid !== process.pid);
  const wholeIsSafe = others.length === pids.length;
  if (others.length > 0 && !(wholeIsSafe && (await killWhole(directory)))) for (const pid of others) kill(pid);
  return found + others.length;
}

async function pidsOf(directory: string): Promise<number[] | undefined> {
  try {
    const text = await fs.readFile(path.join(directory, 'cgroup.procs'), 'latin1');
    return text.split('\n').filter(Boolean).map(Number);
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENODEV') return undefined;
    throw error;
  }
}

async function childrenOf(directory: string): Promise<string[]> {
  try {
    const entries = await fs.readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

async function killWhole(directory: string): Promise<boolean> {
  try {
    const handle = await fs.open(path.join(directory, 'cgroup.kill'), 'r+'); // never made: cgroupfs refuses O_CREAT
    try {
      await handle.write('1');
    } finally {
      await handle.close();
    }
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone since it was read
  }
}
