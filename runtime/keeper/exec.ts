/**
 * ExecSync: a command (`crun exec …`) with its output collected. Its exit is the end of it; a process that it left in
 * the background may hold the pipes, and is not waited for.
 */

import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import { attempting } from '../errors.js';
import { descriptorRoom } from '../linux/descriptor-room.js';
import { makePipe } from '../linux/descriptors.js';
import { startTimeOf } from '../linux/processes.js';
import { type Children, exitCodeOf, killGroupOf } from './children.js';
import type { ExecMemory } from './handover.js';
import { killInner } from './inner-kill.js';
import { killTree } from './kill-process.js';
import { PipeReader } from './pipe-reader.js';
import type { KeptExecSpec, KeptInnerKill } from './protocol.js';

/** After the exit the pipes are read until they are silent for this long, */
const GRACE_IDLE_MS = 500;
/** and no longer than this. */
const GRACE_MAX_MS = 2000;
/** Its pipes, and what starting a program takes. */
const EXEC_DESCRIPTORS = 10;

export type OutputName = 'stdout' | 'stderr';

export interface ExecEnd {
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/** Takes output as it comes. False: no more until `drained`, whoever writes it waits meanwhile. */
export type OutputSink = (name: OutputName, data: Buffer) => boolean;

/** What a running exec is made of. */
interface Running {
  readonly pid: number;
  readonly pidFile: string;
  readonly innerKill: KeptInnerKill | undefined;
  readonly children: Children;
  /** As in ExecMemory. */
  readonly deadline: number;
  /** Rejects when it could not be started. */
  readonly exit: Promise<number>;
  readonly readers: { readonly stdout: PipeReader; readonly stderr: PipeReader };
}

/** One running exec. `done` rejects when the command could not be started. */
export class Exec {
  readonly done: Promise<ExecEnd>;
  readonly #running: Running;
  #exited = false;
  #killed = false;
  #timedOut = false;

  private constructor(running: Running) {
    this.#running = running;
    this.done = this.#run();
  }

  /** Throws RESOURCE_EXHAUSTED where there is no room for its descriptors. */
  static start(request: KeptExecSpec, children: Children, sink: OutputSink): Exec {
    const started = descriptorRoom.take(EXEC_DESCRIPTORS, `starting ${request.argv[0]}`);
    try {
      return Exec.#spawn(request, children, sink);
    } catch (error) {
      throw attempting(`starting ${request.argv[0]}`, error);
    } finally {
      started();
    }
  }

  static #spawn(request: KeptExecSpec, children: Children, sink: OutputSink): Exec {
    const { stdout, stderr } = makePipes();
    children.saw(stderr.writer);
    let child: ChildProcess;
    try {
      child = children.spawn(request.argv, request.env, ['ignore', stdout.writer, stderr.writer]);
    } catch (error) {
      for (const fd of [stdout.reader, stderr.reader]) fs.closeSync(fd);
      throw error;
    } finally {
      for (const fd of [stdout.writer, stderr.writer]) fs.closeSync(fd);
    }
    const { pidFile, innerKill, timeoutMs, maxOutputBytes: left } = request;
    return new Exec({
      pid: child.pid ?? 0,
      pidFile,
      innerKill,
      children,
      deadline: timeoutMs > 0 ? monotonicMs() + timeoutMs : 0,
      exit: exitOf(child, request),
      readers: {
        stdout: new PipeReader({ fd: stdout.reader, left }, (data) => sink('stdout', data)),
        stderr: new PipeReader({ fd: stderr.reader, left }, (data) => sink('stderr', data)),
      },
    });
  }

  /** Goes on with one that an earlier program of this process started. */
  static resume({ stdout, stderr, ...memory }: ExecMemory, children: Children, sink: OutputSink): Exec {
    const exit = new Promise<number>((resolve) => children.watch(memory.pid, ({ exitCode }) => resolve(exitCode)));
    const readers = {
      stdout: new PipeReader(stdout, (data) => sink('stdout', data)),
      stderr: new PipeReader(stderr, (data) => sink('stderr', data)),
    };
    return new Exec({ ...memory, children, exit, readers });
  }

  /** For `resume`, when it is frozen; undefined while it is ending. */
  get memory(): ({ readonly kind: 'exec' } & ExecMemory) | undefined {
    if (this.#exited || this.#killed || this.#timedOut) return undefined;
    const { pid, pidFile, innerKill, deadline, readers } = this.#running;
    const pipes = { stdout: readers.stdout.memory, stderr: readers.stderr.memory };
    return { kind: 'exec', pid, pidFile, innerKill, deadline, ...pipes };
  }

  /** Takes no more output in until `thaw`. */
  freeze(): void {
    for (const reader of Object.values(this.#running.readers)) reader.freeze();
  }

  thaw(): void {
    for (const reader of Object.values(this.#running.readers)) reader.thaw();
  }

  /** The sink takes more again. */
  drained(): void {
    for (const reader of Object.values(this.#running.readers)) reader.drained();
  }

  /** The client has gone or cancelled. */
  cancel(): void {
    for (const reader of Object.values(this.#running.readers)) reader.discard();
    void this.#kill();
  }

  async #run(): Promise<ExecEnd> {
    const { deadline, exit, readers } = this.#running;
    const timer = deadline > 0 ? setTimeout(() => this.#expire(), Math.max(1, deadline - monotonicMs())) : undefined;
    try {
      const exitCode = await exit.finally(() => {
        this.#exited = true;
      });
      this.thaw();
      await this.#drain();
      return { exitCode, timedOut: this.#timedOut };
    } finally {
      clearTimeout(timer);
      for (const reader of Object.values(readers)) reader.close();
    }
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + (this.#timedOut ? GRACE_IDLE_MS : GRACE_MAX_MS);
    const readers = Object.values(this.#running.readers);
    await Promise.all(readers.map((reader) => reader.silent(GRACE_IDLE_MS, deadline)));
  }

  #expire(): void {
    this.#timedOut = true;
    void this.#kill();
  }

  /**
   * First the process in the container, which the runtime's own death would leave behind, then the runtime with what it is
   * still starting, of which there is no pid file yet.
   */
  async #kill(): Promise<void> {
    if (this.#killed) return;
    this.#killed = true;
    const { pid: runtime, pidFile, innerKill, children } = this.#running;
    if (innerKill !== undefined) await killInner(innerKill, children, () => !this.#exited).catch(() => undefined);
    const pid = Number(await readFile(pidFile, 'latin1').catch(() => ''));
    if (this.#exited || runtime === 0) return;
    try {
      if (Number.isInteger(pid) && pid > 1 && isLater(pid, runtime)) killTree(pid);
    } finally {
      try {
        killTree(runtime);
      } finally {
        killGroupOf(runtime);
      }
    }
  }
}

/** Both or none. */
function makePipes() {
  const stdout = makePipe();
  try {
    return { stdout, stderr: makePipe() };
  } catch (error) {
    for (const fd of [stdout.reader, stdout.writer]) fs.closeSync(fd);
    throw error;
  }
}

/** A pid file of an earlier exec may name a pid that is used again: ours started after the command did. */
function isLater(pid: number, runtime: number): boolean {
  const [first, second] = [startTimeOf(runtime), startTimeOf(pid)];
  return first !== undefined && second !== undefined && Number(second) >= Number(first);
}

function exitOf(child: ChildProcess, request: KeptExecSpec): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(attempting(`starting ${request.argv[0]}`, error)));
    child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
}

/** The same clock in the next program of this process. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
