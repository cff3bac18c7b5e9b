/**
 * A command in a container with a client at its other end. The OCI runtime starts it and ends (`crun exec --detach`);
 * the command is then a child of the keeper, as an init is, and its stdio are the client's pipes or a terminal whose
 * master went to the client. It is killed with all its descendants when the client goes.
 */

import { readFile } from 'node:fs/promises';
import { CribError, messageOf } from '../errors.js';
import { type ChildExit, startTimeOf } from '../linux/processes.js';
import { type Children, childEnd } from './children.js';
import { killInner } from './inner-kill.js';
import { killTree } from './kill-process.js';
import { closeOpened, makeBlocking, openPassed } from './passed-pipe.js';
import type { KeptProcess, KeptSessionSpec } from './protocol.js';
import { failureOf } from './runtime-log.js';

export class Session {
  /** Rejects when the command could not be started. */
  readonly done: Promise<{ readonly exitCode: number }>;
  readonly #spec: KeptSessionSpec;
  readonly #children: Children;
  readonly #onStarted: (started: KeptProcess) => void;
  /** Set while it runs: a child that was not reaped yet keeps its pid. */
  #pid: number | undefined;
  #cancelled = false;

  constructor(spec: KeptSessionSpec, children: Children, onStarted: (started: KeptProcess) => void) {
    this.#spec = spec;
    this.#children = children;
    this.#onStarted = onStarted;
    this.done = this.#run();
  }

  /** The client has gone. While the runtime works, what it makes is waited for: killing it could leave that behind. */
  cancel(): void {
    this.#cancelled = true;
    if (this.#pid !== undefined) void this.#kill(this.#pid);
  }

  async #kill(pid: number): Promise<void> {
    const { innerKill } = this.#spec;
    if (innerKill !== undefined) await killInner(innerKill, this.#children).catch(() => undefined);
    if (this.#pid === pid) killTree(pid);
  }

  async #run(): Promise<{ exitCode: number }> {
    const { exit } = await this.#started();
    const { exitCode } = await exit;
    return { exitCode };
  }

  /** A promise in an object, so that the exit is not waited for here. */
  async #started(): Promise<{ readonly exit: Promise<ChildExit> }> {
    const endOfStart = this.#children.expectInit();
    try {
      await this.#start();
      const pid = await readPid(this.#spec.pidFile);
      const startTime = startTimeOf(pid) ?? '';
      this.#pid = pid;
      const exit = new Promise<ChildExit>((resolve) => {
        this.#children.watch(pid, (end) => {
          this.#pid = undefined;
          resolve(end);
        });
      });
      if (this.#cancelled) this.cancel();
      else this.#onStarted({ pid, startTime });
      return { exit };
    } finally {
      endOfStart();
    }
  }

  async #start(): Promise<void> {
    const { argv, env, startTimeoutMs, runtimeLog } = this.#spec;
    const { exitCode, timedOut } = await this.#spawn(argv, env, startTimeoutMs);
    if (timedOut) {
      throw new CribError('DEADLINE_EXCEEDED', `${argv[0]} took longer than ${startTimeoutMs} ms and was killed`);
    }
    if (exitCode === 0) return;
    throw new CribError('UNKNOWN', (await failureOf(runtimeLog)) ?? `${argv[0]} ended with exit code ${exitCode}`);
  }

  async #spawn(argv: readonly string[], env: Readonly<Record<string, string>>, timeoutMs: number) {
    const pipes = openPassed(this.#spec.pipes);
    const { stdin = 'ignore', stdout = 'ignore', stderr = 'ignore' } = pipes;
    try {
      makeBlocking(pipes);
      this.#children.saw(Math.max(0, ...Object.values(pipes)));
      return childEnd(this.#children.spawn(argv, env, [stdin, stdout, stderr]), timeoutMs);
    } catch (error) {
      throw new CribError('INTERNAL', `starting ${argv[0]}: ${messageOf(error)}`, { cause: error });
    } finally {
      closeOpened(pipes);
    }
  }
}

async function readPid(file: string): Promise<number> {
  const pid = Number((await readFile(file, 'latin1')).trim());
  if (Number.isInteger(pid) && pid > 1) return pid;
  throw new CribError('INTERNAL', `${file} does not hold a process id`);
}
