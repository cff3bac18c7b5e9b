/** The JSON log that runc and crun write with `--log FILE --log-format json`. */

import fs from 'node:fs/promises';
import { isObject } from './frames.js';

const TAIL_BYTES = 64 * 1024;

/** The message of the last line of error level; undefined when there is none or no log. */
export async function failureOf(file: string): Promise<string | undefined> {
  if (file === '') return undefined;
  try {
    const text = await tailOf(file);
    for (const line of text.trimEnd().split('\n').reverse()) {
      const message = errorIn(line);
      if (message !== undefined) return message;
    }
  } catch {
    // no log: the caller has the runtime's stderr
  }
  return undefined;
}

async function tailOf(file: string): Promise<string> {
  const handle = await fs.open(file, 'r');
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function errorIn(line: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined; // cut off, or not JSON
  }
  if (!isObject(value) || typeof value.msg !== 'string') return undefined;
  return value.level === 'error' || value.level === 'fatal' ? value.msg : undefined;
}
