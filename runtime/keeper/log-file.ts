/**
 * A container's log file. Lines are gathered in chunks and written one chunk at a time; what waits is bounded, and
 * the streams stop reading meanwhile. A disk that is full or hangs is tried again; when it has blocked the streams
 * for BLOCK_MS they read on, what they read is counted and dropped, and the log says so once it can be written.
 */

import fs from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../durable-file.js';
import { CribError, codeOf, messageOf } from '../errors.js';
import { O } from '../linux/constants.js';
import { errnoName } from '../linux/libc.js';
import { STAMP_BYTES, writeStamp } from './clock.js';
import type { LogMemory } from './handover.js';
import { type Chunk, type LineSink, MAX_LINE_BYTES } from './log-format.js';
import { writeSlots } from './write-slots.js';

const CHUNK_BYTES = 2 * MAX_LINE_BYTES + 4096;
const MAX_SPARE_CHUNKS = 4;
const HIGH_WATER = 512 * 1024;
const LOW_WATER = 256 * 1024;
const BLOCK_MS = 10_000;
const MAX_BACKOFF_MS = 1000;
const REOPEN_WAIT_MS = 5000;
const OPEN_FLAGS = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;

const spareChunks: Buffer[] = [];

interface QueuedChunk extends Chunk {
  written: number;
}

interface OpenLog {
  readonly fd: number;
  readonly device: number;
  /** The file was not there before. */
  readonly created: boolean;
}

export interface LogFileOptions {
  /** Milliseconds for which a log that cannot be written holds the streams up before output is dropped. */
  readonly blockMs?: number;
}

export class LogFile implements LineSink {
  readonly path: string;
  readonly #blockMs: number;
  #open: OpenLog | undefined;
  #queue: QueuedChunk[] = [];
  #writing = false;
  #reopening = false;
  #closed = false;
  #settled: (() => void)[] = [];
  #drained: (() => void)[] = [];
  #empty: (() => void)[] = [];
  #blocked: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #backoff = 0;
  #dropped = 0;
  #dropping = false;
  #reason = '';

  constructor(file: string, options: LogFileOptions = {}) {
    this.path = file;
    this.#blockMs = options.blockMs ?? BLOCK_MS;
  }

  /** Opens the file for appending, making it and its directory. True when the file is new. */
  async open(): Promise<boolean> {
    this.#open = await openLog(this.path);
    this.#pump();
    return this.#open.created;
  }

  /** Goes on with what an earlier program of this process had. Owns its descriptor. */
  resume({ fd, waiting, dropped }: LogMemory): void {
    if (fd !== undefined) this.#open = { fd, device: fs.fstatSync(fd).dev, created: false };
    const bytes = Buffer.from(waiting, 'base64');
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = { bytes: Buffer.allocUnsafeSlow(CHUNK_BYTES), length: 0, written: 0 };
      chunk.length = bytes.copy(chunk.bytes, 0, at, at + CHUNK_BYTES);
      this.#queue.push(chunk);
    }
    this.#dropped = dropped;
    this.#pump();
  }

  /** For `resume`, when it `isStill`. */
  get memory(): LogMemory {
    const waiting = this.#queue.map(({ bytes, length, written }) => bytes.subarray(written, length));
    return { fd: this.#open?.fd, waiting: Buffer.concat(waiting).toString('base64'), dropped: this.#dropped };
  }

  /** Nothing is being written. */
  get isStill(): boolean {
    return !this.#writing && !this.#reopening;
  }

  reserve(bytes: number): Chunk {
    const tail = this.#queue.at(-1);
    const isBeingWritten = this.#writing && this.#queue.length === 1;
    if (tail !== undefined && !isBeingWritten && tail.bytes.length - tail.length >= bytes) return tail;
    const chunk = { bytes: spareChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES), length: 0, written: 0 };
    this.#queue.push(chunk);
    return chunk;
  }

  /** Starts writing what was put into chunks. True when the caller must stop reading until `whenDrained`. */
  commit(): boolean {
    this.#pump();
    return !this.#dropping && this.#waiting() >= HIGH_WATER;
  }

  /** While this is true the caller hands its bytes to `drop`. */
  get dropping(): boolean {
    return this.#dropping;
  }

  drop(bytes: number): void {
    this.#dropped += bytes;
  }

  /** Calls back once there is room again, or output is to be dropped. */
  whenDrained(resume: () => void): void {
    this.#drained.push(resume);
    this.#blocked ??= setTimeout(() => {
      this.#dropping = true;
      this.#resumeAll();
    }, this.#blockMs);
  }

  /** A line of the keeper's own. */
  note(text: string): void {
    const line = Buffer.from(`${'0'.repeat(STAMP_BYTES)} stdout F [crib: ${text}]\n`);
    writeStamp(line, 0);
    const chunk = this.reserve(line.length);
    chunk.length += line.copy(chunk.bytes, chunk.length);
    this.#pump();
  }

  /**
   * Opens the path again and closes what was open, between two lines. Throws DEADLINE_EXCEEDED when a write in
   * progress does not end; the old file stays then.
   */
  async reopen(): Promise<void> {
    if (this.#reopening) throw new CribError('ABORTED', `reopening log ${this.path}: it is being reopened already`);
    this.#reopening = true;
    try {
      await this.#writeSettled();
      const next = await openLog(this.path);
      if (this.#closed) {
        fs.closeSync(next.fd);
        return;
      }
      const head = this.#queue[0];
      if (head !== undefined && head.written > 0) {
        head.written = head.bytes.lastIndexOf(0x0a, head.written - 1) + 1; // a line that was cut goes whole to the new file
      }
      if (this.#open !== undefined) fs.closeSync(this.#open.fd);
      this.#open = next;
    } finally {
      this.#reopening = false;
      this.#pump();
    }
  }

  /** Resolves when all is written, or `milliseconds` have gone by. */
  async flush(milliseconds: number): Promise<void> {
    this.#pump();
    if (this.#queue.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#empty.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Gives up what is not written. A write that hangs keeps its descriptor until it returns. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#blocked);
    const open = this.#open;
    this.#open = undefined;
    this.#queue = this.#writing ? this.#queue.slice(0, 1) : [];
    if (open === undefined) return;
    if (this.#writing) this.#settled.push(() => fs.closeSync(open.fd));
    else fs.closeSync(open.fd);
  }

  #waiting(): number {
    let bytes = 0;
    for (const chunk of this.#queue) bytes += chunk.length - chunk.written;
    return bytes;
  }

  #pump(): void {
    const open = this.#open;
    const head = this.#queue[0];
    if (this.#writing || this.#reopening || open === undefined || this.#retry !== undefined || head === undefined) {
      return;
    }
    if (head.length === head.written) {
      this.#retire();
      this.#pump();
      return;
    }
    this.#writing = true;
    writeSlots.acquire(open.device, () => {
      fs.write(open.fd, head.bytes, head.written, head.length - head.written, null, (error, written) => {
        writeSlots.release(open.device);
        this.#writing = false;
        for (const settled of this.#settled.splice(0)) settled();
        if (error !== null) this.#failed(error);
        else this.#wrote(head, written);
        this.#pump();
      });
    });
  }

  #wrote(head: QueuedChunk, written: number): void {
    this.#backoff = 0;
    head.written += written;
    if (head.written === head.length) this.#retire();
    if (this.#dropping || this.#dropped > 0) {
      this.#dropping = false;
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0)
        this.note(`${dropped} bytes of output dropped: ${this.#reason || 'the log could not be written'}`);
    }
    if (this.#waiting() < LOW_WATER) this.#resumeAll();
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#reason = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'disk full' : (error.code ?? error.message);
    if (this.#open === undefined) return;
    this.#backoff = Math.min(Math.max(this.#backoff * 2, 100), MAX_BACKOFF_MS);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#pump();
    }, this.#backoff);
  }

  #retire(): void {
    const done = this.#queue.shift();
    if (done !== undefined && spareChunks.length < MAX_SPARE_CHUNKS) spareChunks.push(done.bytes);
    if (this.#queue.length === 0) for (const empty of this.#empty.splice(0)) empty();
  }

  #resumeAll(): void {
    clearTimeout(this.#blocked);
    this.#blocked = undefined;
    for (const resume of this.#drained.splice(0)) resume();
  }

  async #writeSettled(): Promise<void> {
    if (!this.#writing) return;
    await new Promise<void>((resolve, reject) => {
      const late = `reopening log ${this.path}: a write to it has been in progress for ${REOPEN_WAIT_MS} ms`;
      const timer = setTimeout(() => reject(new CribError('DEADLINE_EXCEEDED', late)), REOPEN_WAIT_MS);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

async function openLog(file: string): Promise<OpenLog> {
  try {
    const created = !fs.existsSync(file);
    const fd = await openAppending(file);
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return { fd, device: stat.dev, created };
    fs.closeSync(fd);
    throw new CribError('FAILED_PRECONDITION', 'it is not a regular file');
  } catch (error) {
    const code = codeOf(error) === 'RESOURCE_EXHAUSTED' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
    throw new CribError(code, `opening log ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** The kubelet makes the directory; it is made here, as containerd does, for clients that do not. */
async function openAppending(file: string): Promise<number> {
  try {
    return await openDescriptor(file);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
    await makeDirectory(path.dirname(file), 0o755, 'or take another log directory');
    return openDescriptor(file);
  }
}

function openDescriptor(file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(file, OPEN_FLAGS | O.NOFOLLOW, 0o640, (error, fd) => (error === null ? resolve(fd) : reject(error)));
  });
}
