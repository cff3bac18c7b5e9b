/**
 * A session over pipes that this process makes: the keeper opens their other ends and gives them to a process, or copies
 * a container's output into them.
 */

import fs from 'node:fs';
import net from 'node:net';
import { type PassedPipe, type PassedPipes, type PipeName, passPipe } from '../../runtime/keeper/passed-pipe.js';
import { F } from '../../runtime/linux/constants.js';
import { makePipe } from '../../runtime/linux/descriptors.js';
import { fcntl } from '../../runtime/linux/files.js';
import type { SessionStreams } from '../streams.js';
import { pumpInput } from './input-pump.js';
import { OutputPump } from './output-pump.js';

/** A client that pauses holds its process up only after so much. Any user may have it (fs.pipe-max-size is 1 MiB). */
const OUTPUT_PIPE_BYTES = 256 * 1024;

export class SessionPipes {
  /** As the keeper is told of them. */
  readonly passed: PassedPipes;
  readonly #streams: SessionStreams;
  readonly #own = new Map<PipeName, number>();
  /** The other ends, open here until the keeper has opened them for itself. */
  readonly #theirs: number[] = [];
  readonly #pumps: OutputPump[] = [];
  #stopInput: (() => void) | undefined;

  /**
   * A pipe for each of `names` that the client asked for. `owner` may open them anew, as /dev/stdout. On failure nothing
   * stays open.
   */
  constructor(streams: SessionStreams, names: readonly PipeName[], owner = { uid: 0, gid: 0 }) {
    this.#streams = streams;
    const passed: Partial<Record<PipeName, PassedPipe>> = {};
    this.passed = passed;
    try {
      for (const name of names) if (streams[name] !== undefined) passed[name] = this.#make(name, owner);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The keeper has opened its ends: from now on bytes move. */
  start(): void {
    this.#closeTheirs();
    for (const name of ['stdout', 'stderr'] as const) {
      const source = this.#take(name);
      const sink = this.#streams[name];
      if (source !== undefined && sink !== undefined) this.#pumps.push(new OutputPump(source, sink));
    }
    const sink = this.#take('stdin');
    const { stdin } = this.#streams;
    if (sink !== undefined && stdin !== undefined) this.#stopInput = pumpInput(stdin, sink, true);
    else stdin?.resume();
  }

  /** Everybody has closed the other ends, and the client has all that was written. */
  async ended(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.ended(signal)));
  }

  /** The process has exited, and the client has all that it wrote. */
  async drained(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.drained(signal)));
  }

  close(): void {
    this.#stopInput?.();
    for (const pump of this.#pumps) pump.destroy();
    this.#closeTheirs();
    for (const fd of this.#own.values()) fs.closeSync(fd);
    this.#own.clear();
  }

  #make(name: PipeName, owner: { readonly uid: number; readonly gid: number }): PassedPipe {
    const { reader, writer } = makePipe();
    const [own, theirs] = name === 'stdin' ? [writer, reader] : [reader, writer];
    this.#own.set(name, own);
    this.#theirs.push(theirs);
    if (name !== 'stdin') fcntl(own, F.SETPIPE_SZ, OUTPUT_PIPE_BYTES);
    fs.fchownSync(theirs, owner.uid, owner.gid);
    return passPipe(theirs);
  }

  #take(name: PipeName): net.Socket | undefined {
    const fd = this.#own.get(name);
    if (fd === undefined) return undefined;
    this.#own.delete(name);
    return new net.Socket({ fd, readable: name !== 'stdin', writable: name === 'stdin' });
  }

  #closeTheirs(): void {
    for (const fd of this.#theirs.splice(0)) fs.closeSync(fd);
  }
}
