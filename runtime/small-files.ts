/**
 * Reads of the small files that the kernel makes up as they are read (cgroupfs, procfs). They wait for no disk: ten
 * microseconds in place, where the thread pool costs four times that. Whoever reads many takes turns (turns.ts).
 */

import fs from 'node:fs';
import { errnoName } from './linux/libc.js';

/** All that these files have; of a longer one it is the beginning. */
export const SMALL_FILE_BYTES = 64 * 1024;
/** A seq_file ends a read early only where the next record would not fit its page: below this, it is the end. */
const SURELY_ALL = 2048;

/** It is not there (any more): the file, its cgroup, its controller or its process. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'ESRCH']);

const buffer = Buffer.allocUnsafeSlow(SMALL_FILE_BYTES);

/** The text, at most SMALL_FILE_BYTES of it; undefined where it is not there. Throws what open(2) and read(2) say else. */
export function readSmallFile(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, 'r');
    let length = 0;
    for (;;) {
      const bytesRead = fs.readSync(fd, buffer, length, SMALL_FILE_BYTES - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length < SURELY_ALL || length === SMALL_FILE_BYTES) break;
    }
    return buffer.toString('latin1', 0, length);
  } catch (error) {
    if (GONE.has(errnoName(error))) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
