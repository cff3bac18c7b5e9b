/** What is the same in every hierarchy: walking a cgroup's children, its processes, killing and removing them. */

import { closeSync, readdirSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CribError } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { signalPidfd, tryOpenPidfd } from '../linux/processes.js';
import { readSmallFile, SMALL_FILE_BYTES } from '../small-files.js';
import { isGone, readControl } from './files.js';

const MAX_CGROUPS = 10_000;
/** As many are looked at without leaving the event loop. */
const FEW_CGROUPS = 16;
const KILL_LIMIT_MS = 10_000;
const REMOVE_LIMIT_MS = 5_000;
/** Descriptors held at one time while killing. */
const KILL_BATCH = 256;
const SIGKILL = 9;

/** The directory and all below it, parents first; empty where it does not exist. cgroupfs has no symlinks. */
export async function subtree(directory: string): Promise<string[]> {
  if (!(await isDirectory(directory))) return [];
  const found = [directory];
  for (let index = 0; index < found.length; index++) {
    const parent = found[index];
    if (parent === undefined) break;
    for (const child of await childrenOf(parent)) found.push(`${parent}/${child}`);
    if (found.length > MAX_CGROUPS) {
      throw new CribError('RESOURCE_EXHAUSTED', `listing ${directory}: more than ${MAX_CGROUPS} cgroups below it`);
    }
  }
  return found;
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await fs.lstat(path)).isDirectory();
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

async function childrenOf(directory: string): Promise<string[]> {
  try {
    const entries = await fs.readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Pids in the cgroup and its children. A threaded child (EOPNOTSUPP) is listed by its parent. */
export async function processesBelow(directory: string): Promise<number[]> {
  const lists = await Promise.all((await subtree(directory)).map(processesOf));
  return [...new Set(lists.flat())];
}

/** As processesBelow, at once; undefined where there is more than can be read in a moment. */
export function fewProcessesBelow(directory: string): number[] | undefined {
  const cgroups = [directory];
  const pids = new Set<number>();
  for (const cgroup of cgroups) {
    const text = processesText(cgroup);
    const children = fewChildrenOf(cgroup);
    if (children === undefined || text.length >= SMALL_FILE_BYTES) return undefined;
    for (const pid of parsePids(text)) pids.add(pid);
    for (const child of children) cgroups.push(`${cgroup}/${child}`);
    if (cgroups.length > FEW_CGROUPS) return undefined;
  }
  return [...pids];
}

function processesText(directory: string): string {
  try {
    return readSmallFile(`${directory}/cgroup.procs`) ?? '';
  } catch (error) {
    if (errnoName(error) === 'EOPNOTSUPP') return '';
    throw error;
  }
}

/** A directory has two links and one for each child, in cgroupfs too; undefined where they are many. */
function fewChildrenOf(directory: string): string[] | undefined {
  try {
    const { nlink } = statSync(directory);
    if (nlink === 2) return [];
    if (nlink > 2 + FEW_CGROUPS) return undefined;
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function parsePids(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

async function processesOf(directory: string): Promise<number[]> {
  try {
    return parsePids((await readControl(`${directory}/cgroup.procs`)) ?? '');
  } catch (error) {
    if (errnoName(error) === 'EOPNOTSUPP') return [];
    throw error;
  }
}

export interface KillSteps {
  /** Runs before each round: freeze, or the kernel's own kill. */
  readonly before: (round: number) => Promise<void>;
  /** Runs after the signals of each round: thaw, so that the killed can die. */
  readonly after: (round: number) => Promise<void>;
}

/**
 * Signals until the subtree is empty. Throws DEADLINE_EXCEEDED after 10 s, FAILED_PRECONDITION when what is left may not
 * be signalled: this process itself, pid 1, and processes of a foreign PID namespace (shown as 0).
 */
export async function killBelow(directory: string, steps: KillSteps): Promise<void> {
  if (fewProcessesBelow(directory)?.length === 0) return; // all have ended: nearly always
  const deadline = performance.now() + KILL_LIMIT_MS;
  for (let round = 0; ; round++) {
    const pids = await processesBelow(directory);
    if (pids.length === 0) return;
    const killable = pids.filter((pid) => pid > 1 && pid !== process.pid);
    if (killable.length === 0) {
      throw new CribError(
        'FAILED_PRECONDITION',
        `killing ${directory}: it holds pid ${pids.join(', ')}, which crib never signals (itself, init, or a process outside its PID namespace)`,
      );
    }
    if (performance.now() > deadline) {
      throw new CribError(
        'DEADLINE_EXCEEDED',
        `killing ${directory}: after ${KILL_LIMIT_MS} ms it still holds ${killable.length} processes (pid ${killable[0]} first)`,
      );
    }
    await steps.before(round);
    try {
      await signalAll(directory, killable);
    } finally {
      await steps.after(round);
    }
    await delay(Math.min(1 + round * 2, 50));
  }
}

/**
 * A pid read from cgroup.procs may name another process by the time it is signalled. So each is pinned by a pidfd
 * first, and signalled only when the cgroup still lists it.
 */
async function signalAll(directory: string, pids: readonly number[]): Promise<void> {
  for (let start = 0; start < pids.length; start += KILL_BATCH) {
    const pinned = new Map<number, number>();
    try {
      for (const pid of pids.slice(start, start + KILL_BATCH)) {
        const pidfd = tryOpenPidfd(pid);
        if (pidfd !== undefined) pinned.set(pid, pidfd);
      }
      for (const pid of await processesBelow(directory)) {
        const pidfd = pinned.get(pid);
        if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
      }
    } finally {
      for (const pidfd of pinned.values()) closeSync(pidfd);
    }
  }
}

/**
 * rmdir(2) of the cgroup and its children, deepest first. The kernel says EBUSY for a moment after the last exit, so it
 * is retried for `limitMs` (5 s); then FAILED_PRECONDITION says who is still in it.
 */
export async function removeBelow(directory: string, limitMs = REMOVE_LIMIT_MS): Promise<void> {
  if ((await firstBusy([directory])) === undefined) return; // no children: nearly always
  const deadline = performance.now() + limitMs;
  for (let round = 0; ; round++) {
    const cgroups = (await subtree(directory)).reverse();
    const busy = await firstBusy(cgroups);
    if (busy === undefined) return;
    if (performance.now() > deadline) {
      const pids = await processesBelow(directory);
      throw new CribError(
        'FAILED_PRECONDITION',
        `removing ${directory}: ${busy} is busy; it holds ${pids.length} processes${pids.length > 0 ? ` (pid ${pids[0]} first)` : ''}`,
      );
    }
    await delay(Math.min(1 << round, 50));
  }
}

async function firstBusy(cgroups: readonly string[]): Promise<string | undefined> {
  let busy: string | undefined;
  for (const cgroup of cgroups) {
    try {
      await fs.rmdir(cgroup);
    } catch (error) {
      if (isGone(error)) continue;
      if (errnoName(error) !== 'EBUSY') throw error;
      busy ??= cgroup;
    }
  }
  return busy;
}
