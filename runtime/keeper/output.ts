/**
 * Reading what a container writes: a FIFO for each of stdout and stderr, or the master of its terminal. Every read
 * goes through one buffer of the process; the log and the attached clients say when a stream has to wait.
 */

import fs from 'node:fs';
import net from 'node:net';
import type { Writable } from 'node:stream';
import tty from 'node:tty';
import type { LogFile } from './log-file.js';
import { LineFormatter } from './log-format.js';
import type { PipeWriter } from './pipe-writer.js';

/** One read of one stream; libuv goes round the streams, so this is also the measure of fairness. */
const READ_BYTES = 128 * 1024;

/**
 * More than a terminal holds. libuv takes a short read together with POLLHUP for the end, but a terminal gives at most
 * 4 KiB a read: what is left after that end is read by hand.
 */
export const TERMINAL_MAX_BYTES = 128 * 1024;

const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** A reader that stood still, for the next program of this process. */
export interface OutputMemory {
  /** undefined: it has ended. */
  readonly fd: number | undefined;
  /** The beginning of a line. */
  readonly unfinished: Buffer;
}

export class OutputReader {
  readonly #fd: number;
  readonly #log: LogFile | undefined;
  readonly #formatter: LineFormatter | undefined;
  readonly #stream: net.Socket;
  readonly #taps = new Set<PipeWriter>();
  readonly #tapHolds = new Set<() => void>();
  #ended = false;
  /** Who wants no more for now: the log, taps. */
  #holds = 0;
  #tapsMayHold = true;
  #lastRead = 0;
  #onEnd: (() => void)[] = [];
  #thaw: (() => void) | undefined;

  /** Owns `fd` from here on. Without a log the output is read and thrown away. `unfinished`: of OutputMemory. */
  constructor(
    fd: number,
    stream: 'stdout' | 'stderr' | 'tty',
    log: LogFile | undefined,
    maxLineBytes: number,
    unfinished = Buffer.alloc(0),
  ) {
    this.#fd = fd;
    this.#log = log;
    if (log !== undefined) {
      this.#formatter = new LineFormatter(log, stream === 'stderr' ? 'stderr' : 'stdout', maxLineBytes);
      this.#formatter.resume(unfinished);
    }
    this.#stream = stream === 'tty' ? this.#openTerminal(fd) : this.#openFifo(fd);
    this.#stream.on('error', () => this.#end()); // EIO on a terminal's master: the last process has closed it
    this.#stream.on('end', () => this.#end());
    this.#stream.on('close', () => this.#end());
    this.#stream.resume();
  }

  /** Everybody who could write has closed it. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The keyboard side of a terminal. */
  get keyboard(): Writable {
    return this.#stream;
  }

  /** From now on `tap`, an attached client's, gets what is read; it is finished when the output ends. */
  addTap(tap: PipeWriter): void {
    if (this.#ended) {
      tap.finish();
      return;
    }
    this.#taps.add(tap);
    void tap.closed.then(() => this.#taps.delete(tap));
  }

  /** The container has ended: no client holds up what is left of its output. */
  ignoreSlowTaps(): void {
    this.#tapsMayHold = false;
    for (const release of [...this.#tapHolds]) release();
  }

  /** Resolves at the end of output, else when nothing was read for `idleMs`, else after `maxMs`. */
  async drained(idleMs: number, maxMs: number): Promise<void> {
    const start = performance.now();
    this.#lastRead = start;
    while (!this.#ended) {
      const now = performance.now();
      const left = Math.min(start + maxMs, this.#holds > 0 ? Number.POSITIVE_INFINITY : this.#lastRead + idleMs) - now;
      if (left <= 0) return;
      await this.#endWithin(left);
    }
  }

  /** Stops reading and closes; an unfinished line is handed to the log. */
  close(): void {
    this.#end();
    this.#stream.destroy();
  }

  /** Reads nothing more until `thaw`; what was read goes to the log and the clients still. */
  freeze(): void {
    this.#thaw ??= this.#hold();
    this.#stream.pause();
  }

  thaw(): void {
    this.#thaw?.();
    this.#thaw = undefined;
  }

  /** What was read of it is in the log's memory, so that nothing is lost between this and the next program. */
  get memory(): OutputMemory {
    return { fd: this.#ended ? undefined : this.#fd, unfinished: this.#formatter?.unfinished ?? Buffer.alloc(0) };
  }

  #openFifo(fd: number): net.Socket {
    return new net.Socket({ ...this.#onread(), fd, readable: true, writable: false });
  }

  #openTerminal(fd: number): net.Socket {
    const stream = new tty.ReadStream(fd, this.#onread());
    stream.prependListener('end', () => {
      const rest = readAvailable(fd, TERMINAL_MAX_BYTES);
      if (rest.length > 0) this.#read(rest, rest.length);
    });
    return stream;
  }

  /** Into the one buffer, so that nothing is ever left in a stream's own. */
  #onread(): net.SocketConstructorOpts & { onread: net.OnReadOpts } {
    return { onread: { buffer: readBuffer, callback: (size) => this.#read(readBuffer, size) } };
  }

  /** False: no more until nobody holds it up. */
  #read(data: Buffer, size: number): boolean {
    this.#lastRead = performance.now();
    this.#toLog(data, size);
    if (this.#taps.size > 0) this.#toTaps(data.subarray(0, size));
    return this.#holds === 0;
  }

  #toLog(data: Buffer, size: number): void {
    const log = this.#log;
    if (log === undefined || this.#formatter === undefined) return;
    if (log.dropping) {
      log.drop(size + this.#formatter.discard());
      return;
    }
    this.#formatter.push(data, size);
    if (log.commit()) log.whenDrained(this.#hold());
  }

  #toTaps(data: Buffer): void {
    for (const tap of this.#taps) {
      if (tap.write(data) || !this.#tapsMayHold) continue;
      const release = this.#hold();
      const released = () => {
        if (this.#tapHolds.delete(released)) release();
      };
      this.#tapHolds.add(released);
      tap.whenReady(released);
    }
  }

  /** Reads no more until the function that it returns is called, once. */
  #hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      if (this.#holds > 0) return;
      this.#lastRead = performance.now();
      if (!this.#stream.destroyed) this.#stream.resume();
    };
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#formatter?.end();
    this.#log?.commit();
    for (const tap of this.#taps) tap.finish();
    for (const resolve of this.#onEnd.splice(0)) resolve();
  }

  #endWithin(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#onEnd.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** What is in a FIFO or pipe now, at most `limit` bytes of it. `fd` is non-blocking. */
export function readAvailable(fd: number, limit: number): Buffer {
  const data = Buffer.alloc(limit);
  let size = 0;
  try {
    for (;;) {
      const count = fs.readSync(fd, data, size, limit - size, null);
      if (count === 0) break;
      size += count;
    }
  } catch {
    // EAGAIN: that was all
  }
  return data.subarray(0, size);
}
