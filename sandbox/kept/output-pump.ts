/** Moves what a process writes to a client, at the client's pace. Where the client takes no more, the rest is dropped. */

import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** After the exit somebody else may still hold the pipe or terminal. Silence this long is the end, */
const IDLE_MS = 500;
/** and so is this time; neither runs while the client takes nothing, */
const OPEN_MS = 2000;
/** and so are this many bytes: more than a pipe holds, so that the rest was written after the exit. */
const AFTER_BYTES = 1024 * 1024;
const TICK_MS = 20;
/** One stream moves this much, then it is the turn of others. */
const TURN_BYTES = 256 * 1024;

export class OutputPump {
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #over: Promise<void>;
  #ended = false;
  #paused = false;
  #bytes = 0;
  /** Bytes since the last pause. */
  #turn = 0;
  /** Ends a tick early. */
  #wake: () => void = () => undefined;

  /** Owns `source`; an error of it is its end. */
  constructor(source: Readable, sink: Writable) {
    this.#source = source;
    this.#sink = sink;
    source.on('data', (data: Buffer) => this.#move(data));
    this.#over = new Promise((resolve) => {
      for (const event of ['end', 'error', 'close']) {
        source.on(event, () => {
          this.#ended = true;
          this.#wake();
          resolve();
        });
      }
    });
    for (const event of ['drain', 'close', 'error']) sink.on(event, () => this.#resume());
  }

  /** Resolves when the source has ended and all of it was handed over; the sink is ended. */
  async ended(signal: AbortSignal): Promise<void> {
    await this.#over;
    await this.#finish(signal);
  }

  /** As `ended`, after the process has exited: what it wrote is moved, what others go on writing is not waited for. */
  async drained(signal: AbortSignal): Promise<void> {
    const before = this.#bytes;
    let last = before;
    let idle = 0;
    let open = 0;
    while (!this.#ended && !signal.aborted && open < OPEN_MS && idle < IDLE_MS && last - before <= AFTER_BYTES) {
      await this.#tick();
      if (this.#paused) continue;
      open += TICK_MS;
      idle = this.#bytes === last ? idle + TICK_MS : 0;
      last = this.#bytes;
    }
    await this.#finish(signal);
  }

  /** Moves `data` as if it came from the source, whatever the sink says. */
  add(data: Buffer): void {
    this.#bytes += data.length;
    if (this.#sink.writable) this.#sink.write(data);
  }

  /** Lets go of the source; the sink is left to its owner. */
  destroy(): void {
    this.#source.destroy();
  }

  async #finish(signal: AbortSignal): Promise<void> {
    this.#source.destroy();
    if (this.#sink.destroyed) return;
    this.#sink.end();
    await finished(this.#sink, { readable: false, signal }).catch(() => undefined); // the client has gone
  }

  #move(data: Buffer): void {
    this.#bytes += data.length;
    this.#turn += data.length;
    if (this.#sink.writable && !this.#sink.write(data)) this.#pause();
    else if (this.#turn >= TURN_BYTES) {
      this.#pause();
      setImmediate(() => this.#resume());
    }
  }

  #pause(): void {
    this.#paused = true;
    this.#source.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#turn = 0;
    this.#source.resume();
  }

  #tick(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, TICK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
