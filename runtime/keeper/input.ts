/** A container's stdin, or the keyboard side of its terminal, for the clients that are attached to it. */

import type net from 'node:net';
import type { Writable } from 'node:stream';

export class ContainerInput {
  readonly #sink: Writable;
  readonly #sources = new Set<net.Socket>();
  #closed = false;

  /** Owns `sink` where it is a FIFO; a terminal's belongs to its reader, and is never closed here. */
  constructor(sink: Writable) {
    this.#sink = sink;
    sink.setMaxListeners(0);
    sink.on('error', () => this.#stop()); // EPIPE: nobody reads it any more
    sink.on('close', () => this.#stop());
  }

  /** Hands on what `source` brings, at the container's pace. What comes after the container's stdin is closed is dropped. */
  join(source: net.Socket): void {
    this.#sources.add(source);
    source.on('close', () => this.#sources.delete(source));
    if (this.#closed) source.resume();
    else source.pipe(this.#sink, { end: false });
  }

  /** The container reads EOF after what is queued. */
  close(): void {
    this.#sink.end();
    this.#stop();
  }

  destroy(): void {
    this.#sink.destroy();
    this.#stop();
  }

  #stop(): void {
    this.#closed = true;
    for (const source of this.#sources) source.unpipe(this.#sink).resume();
  }
}
