/** A client's end of an exec or attach session: what it types, what it has read, the size of its window. */

import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionStreams, TerminalSize } from '../../sandbox/streams.js';

export interface SessionClient {
  readonly streams: SessionStreams;
  readonly stdin: PassThrough;
  readonly abort: AbortController;
  stdout(): string;
  stderr(): string;
  resize(size: TerminalSize): void;
  /** Waits until stdout matches. */
  shows(pattern: RegExp): Promise<void>;
}

type Name = 'stdin' | 'stdout' | 'stderr';

/** Asks for `names`; the window has `size` from the start where that is given. */
export function sessionClient(names: readonly Name[], size?: TerminalSize): SessionClient {
  const stdin = new PassThrough();
  const [stdout, stderr] = [new Collector(), new Collector()];
  const listeners: ((size: TerminalSize) => void)[] = [];
  const wanted = <Stream>(name: Name, stream: Stream) => (names.includes(name) ? stream : undefined);
  return {
    streams: {
      stdin: wanted('stdin', stdin),
      stdout: wanted('stdout', stdout),
      stderr: wanted('stderr', stderr),
      onResize: (listener) => {
        listeners.push(listener);
        if (size !== undefined) listener(size);
      },
    },
    stdin,
    abort: new AbortController(),
    stdout: () => stdout.text,
    stderr: () => stderr.text,
    resize: (next) => {
      for (const listener of listeners) listener(next);
    },
    shows: async (pattern) => {
      for (const deadline = performance.now() + 30_000; !pattern.test(stdout.text); await sleep(10)) {
        if (performance.now() > deadline) throw new Error(`${pattern} was not shown: ${JSON.stringify(stdout.text)}`);
      }
    },
  };
}

class Collector extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('latin1');
    done();
  }
}

/** Counts bytes; takes at most `bytesPerMs`. 0: takes one chunk and is stuck. */
export class Counter extends Writable {
  bytes = 0;
  readonly #pace: number;

  constructor(bytesPerMs = Number.POSITIVE_INFINITY) {
    super();
    this.#pace = bytesPerMs;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.bytes += chunk.length;
    if (this.#pace === Number.POSITIVE_INFINITY) done();
    else if (this.#pace > 0) setTimeout(done, chunk.length / this.#pace);
  }
}
