/**
 * ExecSync: a command (`crun exec …`) with its output collected. Its exit is the end of it; a process that it left in
 * the background may hold the pipes, and is not waited for.
 */

import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import { CribError, messageOf } from '../errors.js';
import { makePipe } from '../linux/descriptors.js';
import { startTimeOf } from '../linux/processes.js';
import { type Children, exitCodeOf, killGroup } from './children.js';
import { killInner } from './inner-kill.js';
import { killTree } from './kill-process.js';
import type { KeptExecSpec } from './protocol.js';

/** After the exit the pipes are read until they are silent for this long, */
const GRACE_IDLE_MS = 500;
/** and no longer than this. */
const GRACE_MAX_MS = 2000;
const READ_BYTES = 64 * 1024;

const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export type OutputName = 'stdout' | 'stderr';

export interface ExecEnd {
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/** Takes output as it comes. */
export type OutputSink = (name: OutputName, data: Buffer) => void;

/** One running exec. `done` rejects when the command could not be started. */
export class Exec {
  readonly done: Promise<ExecEnd>;
  readonly #request: KeptExecSpec;
  readonly #children: Children;
  readonly #child: ChildProcess;
  readonly #readers: PipeReader[];
  #killed = false;
  #timedOut = false;

  constructor(request: KeptExecSpec, children: Children, sink: OutputSink) {
    this.#request = request;
    this.#children = children;
    const stdout = makePipe();
    const stderr = makePipe();
    children.saw(stderr.writer);
    try {
      this.#child = children.spawn(request.argv, request.env, ['ignore', stdout.writer, stderr.writer]);
    } catch (error) {
      fs.closeSync(stdout.reader);
      fs.closeSync(stderr.reader);
      throw new CribError('INTERNAL', `starting ${request.argv[0]}: ${messageOf(error)}`, { cause: error });
    } finally {
      fs.closeSync(stdout.writer);
      fs.closeSync(stderr.writer);
    }
    this.#readers = [
      new PipeReader(stdout.reader, request.maxOutputBytes, (data) => sink('stdout', data)),
      new PipeReader(stderr.reader, request.maxOutputBytes, (data) => sink('stderr', data)),
    ];
    this.done = this.#run();
  }

  /** The client has gone or cancelled. */
  cancel(): void {
    void this.#kill();
  }

  async #run(): Promise<ExecEnd> {
    const timer = this.#request.timeoutMs > 0 ? setTimeout(() => this.#expire(), this.#request.timeoutMs) : undefined;
    try {
      const exitCode = await this.#exit();
      await this.#drain();
      return { exitCode, timedOut: this.#timedOut };
    } finally {
      clearTimeout(timer);
      for (const reader of this.#readers) reader.close();
    }
  }

  #exit(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', (error) => {
        const message = `starting ${this.#request.argv[0]}: ${messageOf(error)}`;
        reject(new CribError('INTERNAL', message, { cause: error }));
      });
      this.#child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
    });
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + (this.#timedOut ? GRACE_IDLE_MS : GRACE_MAX_MS);
    await Promise.all(this.#readers.map((reader) => reader.silent(GRACE_IDLE_MS, deadline)));
  }

  #expire(): void {
    this.#timedOut = true;
    void this.#kill();
  }

  /** First the process in the container, which the runtime's own death would leave behind, then the runtime. */
  async #kill(): Promise<void> {
    if (this.#killed) return;
    this.#killed = true;
    const { innerKill } = this.#request;
    if (innerKill !== undefined) await killInner(innerKill, this.#children).catch(() => undefined);
    const pid = Number(await readFile(this.#request.pidFile, 'latin1').catch(() => ''));
    if (Number.isInteger(pid) && pid > 1 && this.#isOurs(pid)) killTree(pid);
    killGroup(this.#child);
  }

  /** A pid file of an earlier exec may name a pid that is used again: ours started after the command did. */
  #isOurs(pid: number): boolean {
    const runtime = this.#child.pid === undefined ? undefined : startTimeOf(this.#child.pid);
    const started = startTimeOf(pid);
    return runtime !== undefined && started !== undefined && Number(started) >= Number(runtime);
  }
}

/** Reads a pipe to its end; hands on the first `limit` bytes and drops the rest. */
class PipeReader {
  readonly #socket: net.Socket;
  #left: number;
  #ended = false;
  #lastRead = 0;
  #onEnd: (() => void) | undefined;

  constructor(fd: number, limit: number, sink: (data: Buffer) => void) {
    this.#left = limit;
    const callback = (size: number) => {
      this.#lastRead = performance.now();
      const kept = Math.min(size, this.#left);
      this.#left -= kept;
      if (kept > 0) sink(Buffer.from(readBuffer.subarray(0, kept)));
      return true;
    };
    const options: net.SocketConstructorOpts & { onread: net.OnReadOpts } = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: readBuffer, callback },
    };
    this.#socket = new net.Socket(options);
    for (const event of ['end', 'error', 'close']) this.#socket.on(event, () => this.#end());
    this.#socket.resume();
  }

  /** Resolves at the end, or when nothing came for `idleMs`, or at `deadline` (performance.now). */
  async silent(idleMs: number, deadline: number): Promise<void> {
    this.#lastRead = performance.now();
    while (!this.#ended) {
      const left = Math.min(this.#lastRead + idleMs, deadline) - performance.now();
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
    this.#socket.destroy();
  }

  #end(): void {
    this.#ended = true;
    this.#onEnd?.();
  }
}
