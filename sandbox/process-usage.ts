/** What the processes of a container hold open, as /proc shows it (proc(5)). */

import fs from 'node:fs/promises';

export interface ProcessUsage {
  readonly openFiles: number;
  /** undefined for a container with so many descriptors that looking at each would cost too much. */
  readonly sockets: number | undefined;
  /** Soft limit of open files of the first process; undefined where it is not limited. */
  readonly maxOpenFiles: number | undefined;
}

/** Processes whose descriptors are counted, and descriptors that are looked at. */
const MAX_PROCESSES = 64;
const MAX_DESCRIPTORS = 256;

/** `main` is the container's first process. What ends meanwhile counts as nothing. */
export async function processUsage(main: number, pids: readonly number[]): Promise<ProcessUsage> {
  const [lists, limits] = await Promise.all([
    Promise.all(pids.slice(0, MAX_PROCESSES).map(descriptorsOf)),
    fs.readFile(`/proc/${main}/limits`, 'latin1').catch(() => ''),
  ]);
  const descriptors = lists.flat();
  return {
    openFiles: descriptors.length,
    sockets: descriptors.length > MAX_DESCRIPTORS ? undefined : await countSockets(descriptors),
    maxOpenFiles: softLimit(limits),
  };
}

/** `Max open files            1024                 524288               files`; a limit may be `unlimited`. */
export function softLimit(limits: string): number | undefined {
  const text = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return text === undefined ? undefined : Number(text);
}

async function descriptorsOf(pid: number): Promise<string[]> {
  const names = await fs.readdir(`/proc/${pid}/fd`).catch((): string[] => []);
  return names.map((name) => `/proc/${pid}/fd/${name}`);
}

async function countSockets(descriptors: readonly string[]): Promise<number> {
  const targets = await Promise.all(descriptors.map((file) => fs.readlink(file).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}
