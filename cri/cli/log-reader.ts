/** Reads a container's CRI log: from its end backwards to the last lines, then forwards, over rotations. */

import fs from 'node:fs/promises';
import { CribError, messageOf } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { type LogLine, parseLogLine } from './log-line.js';

export interface LogReaderOptions {
  /** Only so many of the lines that are there; undefined: all. */
  readonly tail?: number;
  readonly follow: boolean;
  /** Asked at the end of the file while following: whether anything is still to come. */
  readonly ended: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

const CHUNK = 64 * 1024;
/** Longer than any line that crib writes; what has no newline for so long is no log. */
const MAX_LINE = 1024 * 1024;
const POLL_MS = 100;
/** Every so many polls without anything new, `ended` is asked. */
const POLLS_PER_QUESTION = 5;
const NEWLINE = 0x0a;

/**
 * The lines of `file`, in order. Following ends when `ended` says so and the file has been read to its end, or at
 * `signal`. Throws NOT_FOUND where there is no such file (unless following: then it waits for one).
 */
export async function* readLog(file: string, options: LogReaderOptions): AsyncGenerator<LogLine> {
  let handle = await openLog(file, options);
  if (handle === undefined) return;
  try {
    let position = options.tail === undefined ? 0 : await tailPosition(handle, options.tail);
    const lines = new LineCutter();
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, position);
      position += bytesRead;
      yield* lines.push(buffer.subarray(0, bytesRead));
      if (bytesRead > 0) continue;
      if (!options.follow || options.signal.aborted) return;
      const next = await waitForMore(file, handle, position, options);
      if (next === 'end') return;
      if (next === 'same') continue;
      await handle.close();
      handle = next;
      position = 0;
    }
  } finally {
    await handle.close();
  }
}

async function openLog(file: string, options: LogReaderOptions): Promise<fs.FileHandle | undefined> {
  for (;;) {
    try {
      return await fs.open(file, 'r');
    } catch (cause) {
      if (errnoName(cause) !== 'ENOENT' || !options.follow) {
        const code = errnoName(cause) === 'ENOENT' ? 'NOT_FOUND' : 'INTERNAL';
        throw new CribError(code, `reading the log ${file}: ${messageOf(cause)}`, { cause });
      }
    }
    if (options.signal.aborted || (await options.ended())) return undefined;
    await pause(POLL_MS, options.signal);
  }
}

/**
 * Rotation renames the file; the writer makes a new one when it is told to (ReopenContainerLog). So the old one is
 * complete only once another one is at its path: then it is read to its end, and the other one opened.
 */
async function waitForMore(
  file: string,
  handle: fs.FileHandle,
  position: number,
  options: LogReaderOptions,
): Promise<fs.FileHandle | 'same' | 'end'> {
  let asked = false;
  for (let polls = 1; ; polls += 1) {
    const rotated = await isAnother(file, handle);
    const { size } = await handle.stat();
    if (size > position) return 'same';
    if (size < position) throw new CribError('DATA_LOSS', `the log ${file} was cut while it was read`);
    if (rotated) {
      const next = await fs.open(file, 'r').catch(() => undefined);
      if (next !== undefined) return next;
    }
    // One more look after it ended: the last lines may have come between.
    if (asked || options.signal.aborted) return 'end';
    if (polls % POLLS_PER_QUESTION === 0) asked = await options.ended();
    if (!asked) await pause(POLL_MS, options.signal);
  }
}

async function isAnother(file: string, handle: fs.FileHandle): Promise<boolean> {
  const there = await fs.stat(file).catch(() => undefined);
  if (there === undefined) return false;
  const open = await handle.stat();
  return there.ino !== open.ino || there.dev !== open.dev;
}

/** Where the last `count` lines begin. */
async function tailPosition(handle: fs.FileHandle, count: number): Promise<number> {
  const { size } = await handle.stat();
  if (count === 0) return size;
  const buffer = Buffer.allocUnsafe(CHUNK);
  let newlines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The newline at the very end closes the last line; it begins none.
      if (buffer[at] !== NEWLINE || start + at === size - 1) continue;
      newlines += 1;
      if (newlines === count) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** Cuts what was read into lines; keeps the one whose end has not come. */
class LineCutter {
  #rest: Buffer = Buffer.alloc(0);

  *push(bytes: Buffer): Generator<LogLine> {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const piece = bytes.subarray(start, end);
      const line = parseLogLine(this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece]));
      this.#rest = Buffer.alloc(0);
      start = end + 1;
      if (line !== undefined) yield line;
    }
    if (start < bytes.length) this.#rest = Buffer.concat([this.#rest, bytes.subarray(start)]);
    if (this.#rest.length > MAX_LINE) this.#rest = Buffer.alloc(0);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
