/**
 * A command in a container with a client at its other end. The OCI runtime starts it and ends (`crun exec --detach`);
 * the command is then a child of the keeper, as an init is, and its stdio are the client's pipes or a terminal whose
 * master went to the client. It is killed with all its descendants when the client goes.
 */

import { readFile } from 'node:fs/promises';
import { attempting, CribError } from '../errors.js';
import { descriptorRoom } from '../linux/descriptor-room.js';
import { type ChildExit, startTimeOf } from '../linux/processes.js';
import { type Children, childEnd } from './children.js';
import type { SessionMemory } from './handover.js';
import { killInner } from './inner-kill.js';
import { killTree } from './kill-process.js';
import { closeOpened, makeBlocking, type OpenedPipes, openPassed } from './passed-pipe.js';
import type { KeptInnerKill, KeptProcess, KeptSessionSpec } from './protocol.js';
import { failureOf } from './runtime-log.js';

/** The client's pipes, and what starting a program takes. */
const SESSION_DESCRIPTORS = 8;

export class Session {
  /** Rejects when the command could not be started. */
  readonly done: Promise<{ readonly exitCode: number }>;
  readonly #children: Children;
  readonly #innerKill: KeptInnerKill | undefined;
  /** Set while it runs: a child that was not reaped yet keeps its pid. */
  #pid: number | undefined;
  #cancelled = false;

  private constructor(
    children: Children,
    innerKill: KeptInnerKill | undefined,
    run: (session: Session) => Promise<{ readonly exit: Promise<ChildExit> }>,
  ) {
    this.#children = children;
    this.#innerKill = innerKill;
    this.done = this.#run(run);
  }

  static start(spec: KeptSessionSpec, children: Children, onStarted: (started: KeptProcess) => void): Session {
    return new Session(children, spec.innerKill, (session) => session.#started(spec, onStarted));
  }

  /** Goes on with one that an earlier program of this process started. */
  static resume({ pid, innerKill }: SessionMemory, children: Children): Session {
    return new Session(children, innerKill, async (session) => ({ exit: session.#watch(pid) }));
  }

  /** For `resume`; undefined while it does not run. */
  get memory(): ({ readonly kind: 'session' } & SessionMemory) | undefined {
    if (this.#pid === undefined || this.#cancelled) return undefined;
    return { kind: 'session', pid: this.#pid, innerKill: this.#innerKill };
  }

  /** The client has gone. While the runtime works, what it makes is waited for: killing it could leave that behind. */
  cancel(): void {
    this.#cancelled = true;
    if (this.#pid !== undefined) void this.#kill(this.#pid);
  }

  async #kill(pid: number): Promise<void> {
    if (this.#innerKill !== undefined) await killInner(this.#innerKill, this.#children).catch(() => undefined);
    if (this.#pid === pid) killTree(pid);
  }

  async #run(run: (session: Session) => Promise<{ readonly exit: Promise<ChildExit> }>): Promise<{ exitCode: number }> {
    const { exit } = await run(this);
    const { exitCode } = await exit;
    return { exitCode };
  }

  /** A promise in an object, so that the exit is not waited for here. */
  async #started(
    spec: KeptSessionSpec,
    onStarted: (started: KeptProcess) => void,
  ): Promise<{ readonly exit: Promise<ChildExit> }> {
    const endOfStart = this.#children.expectInit();
    try {
      await this.#start(spec);
      const pid = await readPid(spec.pidFile);
      const exit = this.#watch(pid);
      this.#tell(pid, onStarted);
      return { exit };
    } finally {
      endOfStart();
    }
  }

  #tell(pid: number, onStarted: (started: KeptProcess) => void): void {
    try {
      if (this.#cancelled) this.cancel();
      else onStarted({ pid, startTime: startTimeOf(pid) ?? '' });
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  #watch(pid: number): Promise<ChildExit> {
    this.#pid = pid;
    return new Promise<ChildExit>((resolve) => {
      this.#children.watch(pid, (end) => {
        this.#pid = undefined;
        resolve(end);
      });
    });
  }

  async #start(spec: KeptSessionSpec): Promise<void> {
    const { argv, startTimeoutMs, runtimeLog } = spec;
    const { exitCode, timedOut } = await this.#spawn(spec);
    if (timedOut) {
      throw new CribError('DEADLINE_EXCEEDED', `${argv[0]} took longer than ${startTimeoutMs} ms and was killed`);
    }
    if (exitCode === 0) return;
    throw new CribError('UNKNOWN', (await failureOf(runtimeLog)) ?? `${argv[0]} ended with exit code ${exitCode}`);
  }

  async #spawn(spec: KeptSessionSpec) {
    const started = descriptorRoom.take(SESSION_DESCRIPTORS, `starting ${spec.argv[0]}`);
    try {
      return this.#spawnOver(openPassed(spec.pipes), spec);
    } finally {
      started();
    }
  }

  #spawnOver(pipes: OpenedPipes, { argv, env, startTimeoutMs }: KeptSessionSpec) {
    const { stdin = 'ignore', stdout = 'ignore', stderr = 'ignore' } = pipes;
    try {
      makeBlocking(pipes);
      this.#children.saw(Math.max(0, ...Object.values(pipes)));
      return childEnd(this.#children.spawn(argv, env, [stdin, stdout, stderr]), startTimeoutMs);
    } catch (error) {
      throw attempting(`starting ${argv[0]}`, error);
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
