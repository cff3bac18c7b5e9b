/** A container's stdin, or the keyboard side of its terminal, for the clients that are attached to it. */

import net from 'node:net';
import type { Writable } from 'node:stream';

/** One read of one client. */
const READ_BYTES = 64 * 1024;

const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Where it goes: a PipeWriter, or a Keyboard. */
export interface InputSink {
  /** Takes all of `data`, whose memory is the caller's again at once. False: no more, please, until `whenReady`. */
  write(data: Buffer): boolean;
  whenReady(callback: () => void): void;
  /** Closes after what waits. */
  finish(): void;
  destroy(): void;
  /** Nothing waits, and it is not being closed. */
  readonly isStill: boolean;
  readonly closed: Promise<unknown>;
}

export class ContainerInput {
  readonly #sink: InputSink;
  #closed = false;

  /** Owns `sink`. */
  constructor(sink: InputSink) {
    this.#sink = sink;
    void sink.closed.then(() => {
      this.#closed = true;
    });
  }

  get isStill(): boolean {
    return this.#sink.isStill;
  }

  /**
   * Hands on what the pipe `fd` brings, at the container's pace; the stream that is returned owns it. What comes when
   * nobody reads stdin any more is dropped.
   */
  join(fd: number): net.Socket {
    const callback = (size: number): boolean => {
      if (this.#closed || this.#sink.write(readBuffer.subarray(0, size))) return true;
      this.#sink.whenReady(() => source.resume());
      return false;
    };
    const options: net.SocketConstructorOpts & { onread: net.OnReadOpts } = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: readBuffer, callback },
    };
    const source = new net.Socket(options);
    return source.resume();
  }

  /** The container reads EOF after what waits. */
  close(): void {
    this.#closed = true;
    this.#sink.finish();
  }

  destroy(): void {
    this.#closed = true;
    this.#sink.destroy();
  }
}

/** The master of a terminal, which belongs to its reader and is not closed here. */
export class Keyboard implements InputSink {
  readonly closed: Promise<void>;
  readonly #stream: Writable;
  #ready: (() => void)[] = [];

  constructor(stream: Writable) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => {
      stream.on('close', () => {
        this.#becomeReady();
        resolve();
      });
    });
  }

  write(data: Buffer): boolean {
    if (!this.#stream.writable) return true;
    this.#stream.write(Buffer.from(data), () => {
      if (this.#stream.writableLength === 0) this.#becomeReady();
    });
    return this.#stream.writableLength === 0;
  }

  get isStill(): boolean {
    return this.#stream.writableLength === 0;
  }

  whenReady(callback: () => void): void {
    this.#ready.push(callback);
  }

  /** A terminal knows no end. */
  finish(): void {}

  destroy(): void {}

  #becomeReady(): void {
    for (const callback of this.#ready.splice(0)) callback();
  }
}
