/**
 * A client that is attached to a container: its pipes get a copy of the output from now on, and what it writes goes to
 * the container's stdin. As containerd has it, the end of the client's stdin is the end of the attachment, unless the
 * container wants its stdin closed with it (stdin_once): then its output goes on until the container ends.
 */

import net from 'node:net';
import { CribError } from '../errors.js';
import type { ContainerInput } from './input.js';
import type { OutputReader } from './output.js';
import type { OpenedPipes } from './passed-pipe.js';
import { PipeWriter } from './pipe-writer.js';

/** A client that holds the container up and has taken nothing for this long is detached. */
const STALL_MS = 10_000;

export interface AttachedTo {
  /** undefined: there is none; the client's pipe is closed at once. */
  readonly stdout: OutputReader | undefined;
  readonly stderr: OutputReader | undefined;
  readonly input: ContainerInput | undefined;
  /** The container reads EOF when the client's stdin has ended. */
  readonly closesInput: boolean;
}

export class Attachment {
  /** Resolves when nothing connects the two any more. Rejects with ABORTED when the client took nothing for too long. */
  readonly done: Promise<void>;
  readonly #taps: { readonly name: 'stdout' | 'stderr'; readonly tap: PipeWriter }[] = [];
  readonly #source: net.Socket | undefined;
  readonly #stdin: number | undefined;

  readonly #stallMs: number;

  /** Owns the descriptors. `stallMs`: see STALL_MS. */
  constructor({ stdin, stdout, stderr }: OpenedPipes, to: AttachedTo, stallMs = STALL_MS) {
    this.#stallMs = stallMs;
    if (stdout !== undefined) this.#tap('stdout', stdout, to.stdout);
    if (stderr !== undefined) this.#tap('stderr', stderr, to.stderr);
    this.#stdin = stdin;
    if (stdin !== undefined) this.#source = this.#join(stdin, to);
    this.done = this.#end();
  }

  /** The client has gone. */
  cancel(): void {
    for (const { tap } of this.#taps) tap.destroy();
    this.#source?.destroy();
  }

  /** Takes nothing more from the client until `thaw`. Its output is held up by the container. */
  freeze(): void {
    this.#source?.pause();
  }

  thaw(): void {
    this.#source?.resume();
  }

  /** The pipes that are open, for the next program of this process; undefined while one of them is in motion. */
  get pipes(): OpenedPipes | undefined {
    const pipes: OpenedPipes = {};
    const source = this.#source;
    if (source !== undefined && !source.closed) {
      if (source.destroyed || source.readableEnded || this.#stdin === undefined) return undefined;
      pipes.stdin = this.#stdin;
    }
    for (const { name, tap } of this.#taps) {
      if (!tap.isStill) return undefined;
      if (tap.descriptor !== undefined) pipes[name] = tap.descriptor;
    }
    return Object.keys(pipes).length === 0 ? undefined : pipes;
  }

  /** The container has ended; its output ends by itself. */
  containerEnded(): void {
    this.#source?.destroy();
  }

  #tap(name: 'stdout' | 'stderr', fd: number, reader: OutputReader | undefined): void {
    const tap = new PipeWriter(fd, this.#stallMs);
    this.#taps.push({ name, tap });
    if (reader === undefined) tap.finish();
    else reader.addTap(tap);
  }

  #join(fd: number, { input, closesInput }: AttachedTo): net.Socket {
    const source = input?.join(fd) ?? new net.Socket({ fd, readable: true, writable: false }).resume();
    source.on('error', () => source.destroy());
    source.on('end', () => {
      if (!closesInput) for (const { tap } of this.#taps) tap.finish();
    });
    source.on('close', () => {
      if (closesInput) input?.close();
    });
    return source;
  }

  async #end(): Promise<void> {
    const source = this.#source;
    const joined = new Promise<void>((resolve) => {
      if (source === undefined) resolve();
      else source.on('close', () => resolve());
    });
    const stalled = await Promise.all(this.#taps.map(({ tap }) => tap.closed));
    if (stalled.length > 0) source?.destroy();
    await joined;
    if (stalled.includes(true)) {
      const message = `detached: the client took no output for ${this.#stallMs / 1000} s while more was waiting`;
      throw new CribError('ABORTED', message);
    }
  }
}
