/** This process's own memory: giving back what is needed only while something happens. */

import { readFile } from 'node:fs/promises';
import { MADV } from './constants.js';
import { bind } from './libc.js';

const mallocTrimCall = bind('malloc_trim', 'int malloc_trim(size_t pad)');
const madviseCall = bind('madvise', 'int madvise(uintptr_t address, size_t length, int advice)');

interface Mapping {
  readonly start: number;
  readonly end: number;
}

/**
 * Unmaps the pages of programs and libraries (madvise(2), MADV_DONTNEED): of Node's 30 MB that its start touches, what
 * runs on is a tenth. They stay in the page cache; one that is used again costs a minor fault. Only mappings that
 * cannot be written and of which no page was ever changed: a changed one (relocations) would be lost.
 */
export async function releaseProgramPages(): Promise<void> {
  for (const { start, end } of unchangedMappings(await readFile('/proc/self/smaps', 'latin1'))) {
    madviseCall([start, end - start, MADV.DONTNEED], `${start.toString(16)}-${end.toString(16)}`);
  }
}

/** Gives free memory of the C heap back to the kernel (malloc_trim(3)): buffers leave holes that nothing else returns. */
export function trimHeap(): void {
  mallocTrimCall([0]);
}

/**
 * Gives back what can be, once nothing has been done for `idleMs`. It does not keep the process running, and may fail:
 * it only saves.
 */
export class IdleRelease {
  readonly #idleMs: number;
  readonly #release: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number, release: () => Promise<void> = releaseAll) {
    this.#idleMs = idleMs;
    this.#release = release;
  }

  /** Something is being done; also the start of the process is. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#release().catch(() => undefined), this.#idleMs).unref();
  }
}

async function releaseAll(): Promise<void> {
  trimHeap();
  await releaseProgramPages();
}

/** Those of files in `smaps` (proc_pid_smaps(5)). */
export function unchangedMappings(smaps: string): Mapping[] {
  const found: Mapping[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\//.exec(block);
    if (head === null || !/^Anonymous: +0 kB$/m.test(block) || !/^Locked: +0 kB$/m.test(block)) continue;
    found.push({ start: Number.parseInt(head[1] ?? '', 16), end: Number.parseInt(head[2] ?? '', 16) });
  }
  return found;
}
