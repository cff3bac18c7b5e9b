/** Reads what a command writes into a pipe to its end; hands on the first bytes, up to a limit, and drops the rest. */

import net from 'node:net';
import type { PipeMemory } from './handover.js';

const READ_BYTES = 64 * 1024;

/** Of all readers: what is handed on is copied. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export class PipeReader {
  readonly #fd: number | undefined;
  readonly #socket: net.Socket | undefined;
  #left = 0;
  #ended = false;
  #frozen = false;
  /** Since when the sink takes no more (performance.now). */
  #heldSince: number | undefined;
  #heldMs = 0;
  #lastRead = 0;
  #onEnd: (() => void) | undefined;

  /** Owns the descriptor. `pipe` undefined: it has ended already. */
  constructor(pipe: PipeMemory | undefined, sink: (data: Buffer) => boolean) {
    this.#fd = pipe?.fd;
    if (pipe === undefined) {
      this.#ended = true;
      return;
    }
    this.#left = pipe.left;
    const callback = (size: number) => {
      this.#lastRead = performance.now();
      const kept = Math.min(size, this.#left);
      this.#left -= kept;
      if (kept === 0 || sink(Buffer.from(readBuffer.subarray(0, kept)))) return true;
      this.#heldSince = performance.now();
      return false;
    };
    const options: net.SocketConstructorOpts & { onread: net.OnReadOpts } = {
      fd: pipe.fd,
      readable: true,
      writable: false,
      onread: { buffer: readBuffer, callback },
    };
    this.#socket = new net.Socket(options);
    for (const event of ['end', 'error', 'close']) this.#socket.on(event, () => this.#end());
    this.#socket.resume();
  }

  get memory(): PipeMemory | undefined {
    return this.#ended || this.#fd === undefined ? undefined : { fd: this.#fd, left: this.#left };
  }

  freeze(): void {
    this.#frozen = true;
    this.#socket?.pause();
  }

  thaw(): void {
    this.#frozen = false;
    this.#goOn();
  }

  drained(): void {
    if (this.#heldSince === undefined) return;
    this.#lastRead = performance.now();
    this.#heldMs += this.#lastRead - this.#heldSince;
    this.#heldSince = undefined;
    this.#goOn();
  }

  /** Reads on, but hands nothing on any more. */
  discard(): void {
    this.#left = 0;
    this.drained();
  }

  #goOn(): void {
    if (!this.#ended && !this.#frozen && this.#heldSince === undefined) this.#socket?.resume();
  }

  /**
   * Resolves at the end, or when nothing came for `idleMs`, or at `deadline` (performance.now). The time in which the
   * sink takes nothing does not count.
   */
  async silent(idleMs: number, deadline: number): Promise<void> {
    this.#lastRead = performance.now();
    this.#heldMs = 0;
    while (!this.#ended) {
      const held = this.#heldSince !== undefined;
      const left = held ? idleMs : Math.min(this.#lastRead + idleMs, deadline + this.#heldMs) - performance.now();
      if (left <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#onEnd = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#end();
    this.#socket?.destroy();
  }

  #end(): void {
    this.#ended = true;
    this.#onEnd?.();
  }
}
