/** What processes cost: memory and CPU time from /proc (proc(5)). */

import { readdir, readFile } from 'node:fs/promises';

export interface Memory {
  /** Megabytes of 10^6 bytes. */
  readonly rss: number;
  readonly pss: number;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly line: string;
}

/** Clock ticks per second of /proc/PID/stat; fixed at 100 in Linux's user ABI on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

/** Every process with a command line that now runs. */
export async function processTable(): Promise<Process[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(names.map((name) => processOf(Number(name))));
  return read.filter((process) => process !== undefined);
}

async function processOf(pid: number): Promise<Process | undefined> {
  try {
    const [stat, line] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'latin1'),
    ]);
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    return { pid, parent: Number(fields[1]), command: stat.slice(stat.indexOf('(') + 1, end), line };
  } catch {
    return undefined; // it has ended
  }
}

/** The processes below `roots` in the tree, without these. */
export function descendants(table: readonly Process[], roots: readonly number[]): Process[] {
  const found: Process[] = [];
  let level = new Set(roots);
  while (level.size > 0) {
    const children = table.filter((process) => level.has(process.parent));
    found.push(...children);
    level = new Set(children.map((process) => process.pid));
  }
  return found;
}

export async function memoryOf(pids: readonly number[]): Promise<Memory> {
  const each = await Promise.all(pids.map(rollup));
  return {
    rss: each.reduce((sum, memory) => sum + memory.rss, 0),
    pss: each.reduce((sum, memory) => sum + memory.pss, 0),
  };
}

async function rollup(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { rss: kilobytes('Rss') * 1.024e-3, pss: kilobytes('Pss') * 1.024e-3 };
}

/** User and system time of the processes and of the children that they have reaped, in milliseconds. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
    }),
  );
  return (each.reduce((sum, ticks) => sum + ticks, 0) * 1000) / TICKS_PER_SECOND;
}
