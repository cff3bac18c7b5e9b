/**
 * One attached client's share of a container's output: a pipe of the client's. What does not fit into it waits here, and
 * holds the container up meanwhile; so at most one read waits.
 */

import fs from 'node:fs';
import net from 'node:net';
import { errnoName } from '../linux/libc.js';

/** A client that has taken nothing for this long is detached. */
const STALL_MS = 10_000;
/** Where nothing is held up any more, because the container ends, this much may wait. */
const QUEUE_MAX_BYTES = 4 * 1024 * 1024;

export class Tap {
  /** Resolves when the client's pipe was closed, here or by the client; true: because the client took nothing. */
  readonly closed: Promise<boolean>;
  readonly #fd: number;
  readonly #socket: net.Socket;
  readonly #stallMs: number;
  #stalled = false;
  #ready: (() => void) | undefined;
  /** For what waits: the same memory again each time. */
  #spare: Buffer | undefined;

  /** Owns `fd`, the writing end of a pipe, non-blocking. */
  constructor(fd: number, stallMs = STALL_MS) {
    this.#fd = fd;
    this.#stallMs = stallMs;
    this.#socket = new net.Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', () => this.#socket.destroy()); // EPIPE: the client has gone
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

  /** Calls back once the queue is empty or the client is detached. The clock of STALL_MS runs until then. */
  whenReady(callback: () => void): void {
    this.#ready = callback;
    this.#socket.setTimeout(this.#stallMs);
  }

  /** Hands over what is queued, then closes. */
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
    const callback = this.#ready;
    this.#ready = undefined;
    callback?.();
  }
}
