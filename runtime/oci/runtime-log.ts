/** The JSON log of runc and crun (`--log FILE --log-format json`): one object with level, msg and time per line. */

import fs from 'node:fs/promises';
import { errnoName } from '../linux/libc.js';

/** Read from the end of the log; an error is in its last lines. */
const TAIL_BYTES = 64 << 10;

/** Message of the last line of level error or fatal; undefined where there is none. Other text is passed over. */
export function lastRuntimeError(text: string): string | undefined {
  const lines = text.split('\n');
  for (let index = lines.length - 1; index >= 0; index--) {
    const message = errorOf(lines[index] ?? '');
    if (message !== undefined) return message;
  }
  return undefined;
}

function errorOf(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null || !('level' in entry) || !('msg' in entry)) return undefined;
  if (entry.level !== 'error' && entry.level !== 'fatal') return undefined;
  return typeof entry.msg === 'string' && entry.msg !== '' ? entry.msg : undefined;
}

/** Size in bytes; 0 where the log does not exist yet. */
export async function logSize(path: string): Promise<number> {
  try {
    return (await fs.stat(path)).size;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return 0;
    throw error;
  }
}

/** What was written after `offset`, its last 64 KiB at most; empty where the log does not exist. */
export async function readLogFrom(path: string, offset: number): Promise<string> {
  let handle: fs.FileHandle | undefined;
  try {
    handle = await fs.open(path, 'r');
    const { size } = await handle.stat();
    const start = Math.max(offset, size - TAIL_BYTES);
    if (start >= size) return '';
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return '';
    throw error;
  } finally {
    await handle?.close();
  }
}
