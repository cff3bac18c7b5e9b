/** What the processes of a container hold open, as /proc shows it (proc(5)). */

import { readdirSync, readlinkSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { readSmallFile } from '../runtime/small-files.js';
import { inTurn } from '../runtime/turns.js';

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
  const directories = pids.slice(0, MAX_PROCESSES).map((pid) => `/proc/${pid}/fd`);
  const sizes = await inTurn(() => directories.map(sizeOf));
  const counts = await Promise.all(directories.map((directory, index) => sizes[index] || countIn(directory)));
  const openFiles = counts.reduce((sum, count) => sum + count, 0);
  return inTurn(() => ({
    openFiles,
    sockets: openFiles > MAX_DESCRIPTORS ? undefined : socketsIn(directories),
    maxOpenFiles: softLimit(orElse('', () => readSmallFile(`/proc/${main}/limits`) ?? '')),
  }));
}

/** `Max open files            1024                 524288               files`; a limit may be `unlimited`. */
export function softLimit(limits: string): number | undefined {
  const text = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return text === undefined ? undefined : Number(text);
}

/** The number of descriptors since Linux 6.2; 0 before, and where there are none. */
function sizeOf(directory: string): number {
  return orElse(0, () => statSync(directory).size);
}

/** There may be a million. */
async function countIn(directory: string): Promise<number> {
  return (await fs.readdir(directory).catch((): string[] => [])).length;
}

function socketsIn(directories: readonly string[]): number {
  const descriptors = directories.flatMap((directory) =>
    orElse([], () => readdirSync(directory)).map((name) => `${directory}/${name}`),
  );
  return descriptors.filter((file) => orElse('', () => readlinkSync(file)).startsWith('socket:')).length;
}

function orElse<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise; // it has ended
  }
}
