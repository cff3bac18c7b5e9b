/**
 * The writing end of a pipe: of an attached client's, for its share of a container's output, or of a container's stdin.
 * What does not fit into it waits here, in the same memory each time, and who writes is asked to wait meanwhile; so at
 * most one read of each writer waits.
 */

import fs from 'node:fs';
import net from 'node:net';
import { errnoName } from '../linux/libc.js';

/** Who does not wait, because the container ends, may leave this much. */
const QUEUE_MAX_BYTES = 4 * 1024 * 1024;

export class PipeWriter {
  /** Resolves when the pipe was closed, on either side; true: here, because its reader took nothing for `stallMs`. */
  readonly closed: Promise<boolean>;
  readonly #fd: number;
  readonly #socket: net.Socket;
  readonly #stallMs: number;
  #stalled = false;
  #ready: (() => void)[] = [];
  /** Holds what waits. */
  #spare: Buffer | undefined;

  /** Owns `fd`, which is non-blocking. `stallMs` 0: the reader may take its time. */
  constructor(fd: number, stallMs: number) {
    this.#fd = fd;
    this.#stallMs = stallMs;
    this.#socket = new net.Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', () => this.#socket.destroy()); // EPIPE: the reader has gone
    this.#socket.on('timeout', () => {
      this.#stalled = true;
      this.#socket.destroy();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#becomeReady();
        resolve(this.#stalled);
      });
    });
  }

  /** The descriptor; undefined once it is closed. */
  get descriptor(): number | undefined {
    return this.#socket.destroyed ? undefined : this.#fd;
  }

  /** Nothing waits, and it is not being closed. */
  get isStill(): boolean {
    return this.#socket.writableLength === 0 && (this.#socket.closed || !this.#socket.writableEnded);
  }

  /** Hands `data` over, whose memory is the caller's again at once. False: no more, please, until `whenReady`. */
  write(data: Buffer): boolean {
    if (!this.#socket.writable) return true;
    if (this.#socket.writableLength > 0) {
      this.#queue(Buffer.from(data));
      if (this.#socket.writableLength > QUEUE_MAX_BYTES) this.#socket.destroy();
      return false;
    }
    const rest = this.#writeNow(data);
    if (rest.length === 0) return true;
    if (this.#spare === undefined || this.#spare.length < rest.length) this.#spare = Buffer.alloc(data.length);
    rest.copy(this.#spare);
    this.#queue(this.#spare.subarray(0, rest.length));
    return false;
  }

  /** Calls back once nothing waits or the pipe is closed. The clock of a stall runs until then. */
  whenReady(callback: () => void): void {
    this.#ready.push(callback);
    this.#socket.setTimeout(this.#stallMs);
  }

  /** Hands over what waits, then closes. */
  finish(): void {
    this.#socket.end();
    if (this.#socket.writableLength > 0) this.#socket.setTimeout(this.#stallMs);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #queue(data: Buffer): void {
    this.#socket.write(data, () => {
      if (this.#socket.writableLength === 0) this.#becomeReady();
    });
  }

  #writeNow(data: Buffer): Buffer {
    try {
      return data.subarray(fs.writeSync(this.#fd, data));
    } catch (error) {
      if (errnoName(error) === 'EAGAIN') return data;
      this.#socket.destroy(); // EPIPE
      return Buffer.alloc(0);
    }
  }

  #becomeReady(): void {
    if (!this.#socket.writableEnded) this.#socket.setTimeout(0);
    for (const callback of this.#ready.splice(0)) callback();
  }
}
