/** One attached client's share of a container's output: a pipe of the client's, with a bounded queue before it. */

import net from 'node:net';

/** A client that has so much waiting holds the container up, */
const QUEUE_BYTES = 256 * 1024;
/** but not once it has taken nothing for this long: then it is detached. */
const STALL_MS = 10_000;
/** Where nothing is held up any more, because the container ends, this much may wait. */
const QUEUE_MAX_BYTES = 4 * 1024 * 1024;

export class Tap {
  /** Resolves when the client's pipe was closed, here or by the client; true: because the client took nothing. */
  readonly closed: Promise<boolean>;
  readonly #socket: net.Socket;
  readonly #stallMs: number;
  #stalled = false;
  #ready: (() => void) | undefined;

  /** Owns `fd`, the writing end of a pipe, non-blocking. */
  constructor(fd: number, stallMs = STALL_MS) {
    this.#stallMs = stallMs;
    this.#socket = new net.Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', () => this.#socket.destroy()); // EPIPE: the client has gone
    this.#socket.on('drain', () => this.#becomeReady());
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

  /** Queues `data`. False: no more, please, until `whenReady`. */
  write(data: Buffer): boolean {
    if (!this.#socket.writable) return true;
    this.#socket.write(data);
    const waiting = this.#socket.writableLength;
    if (waiting > QUEUE_MAX_BYTES) this.#socket.destroy();
    return waiting < QUEUE_BYTES;
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

  #becomeReady(): void {
    if (!this.#socket.writableEnded) this.#socket.setTimeout(0);
    const callback = this.#ready;
    this.#ready = undefined;
    callback?.();
  }
}
