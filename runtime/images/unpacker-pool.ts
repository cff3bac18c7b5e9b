/**
 * The unpacker processes of one pull. One takes several layers, for its start costs as much as unpacking a small layer;
 * but none that lies below one that it has seen (unpack/main.ts says why).
 */

import { UnpackerProcess } from './unpacker-process.js';

interface Idle {
  readonly process: UnpackerProcess;
  /** Index of the last layer that it has taken. */
  readonly last: number;
}

export class UnpackerPool {
  readonly #script: string;
  #idle: Idle[] = [];
  #closed = false;

  constructor(script: string) {
    this.#script = script;
  }

  /** A process for layer `index`. It is given back, or dropped. */
  take(index: number): UnpackerProcess {
    const found = this.#idle.find(({ process, last }) => last < index && process.usable);
    this.#idle = this.#idle.filter((one) => one !== found);
    return found?.process ?? new UnpackerProcess(this.#script, { kind: 'unpack', parentPid: process.pid });
  }

  /** The process has answered for layer `last`. */
  giveBack(process: UnpackerProcess, last: number): void {
    if (this.#closed || !process.usable) process.kill();
    else this.#idle.push({ process, last });
  }

  /** The process is not to be used again: it is killed. */
  drop(process: UnpackerProcess): void {
    this.#idle = this.#idle.filter((one) => one.process !== process);
    process.kill();
  }

  /** Ends those that have nothing to do, and the others as soon as they have answered. */
  close(): void {
    this.#closed = true;
    for (const { process } of this.#idle) process.kill();
    this.#idle = [];
  }
}
