/**
 * The init of a container whose processes are not the host's: another kernel has them (gVisor's sentry), and commands
 * tell of them, or the sandbox itself. `runsc wait` prints how it ended, also to the next keeper that asks.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../errors.js';
import { startTimeOf } from '../linux/processes.js';
import { type Children, childEnd, killGroup } from './children.js';
import { isObject } from './frames.js';
import type { KeptWatch } from './protocol.js';
import { WaitCall } from './wait-call.js';

type Child = ReturnType<Children['spawn']>;

const SIGKILL = 9;
/** A process that its kernel took along. */
const KILLED_WITH_SANDBOX = 128 + SIGKILL;
/** As a container's create: a machine under load takes its time. */
const COMMAND_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 4096;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5000;

/** A process of the host with which the container ends: the sandbox it is in. */
interface Sandbox {
  readonly pid: number;
  readonly startTime: string;
}

export class WatchedInit {
  readonly #watch: KeptWatch;
  readonly #children: Children;
  #waiting: Child | undefined;
  #call: WaitCall | undefined;
  #closed = false;

  constructor(watch: KeptWatch, children: Children) {
    this.#watch = watch;
    this.#children = children;
  }

  /** Calls back once when the container has ended: by itself, or with its sandbox. */
  async start(sandbox: Sandbox, onExit: (exitCode: number, signal: number) => void): Promise<void> {
    for (let delay = FIRST_RETRY_MS; !this.#closed; delay = Math.min(delay * 2, LONGEST_RETRY_MS)) {
      const exitCode = await this.#exitCode(sandbox);
      if (this.#closed) return;
      if (exitCode !== undefined) return onExit(exitCode, 0);
      if (hasGone(sandbox)) return onExit(KILLED_WITH_SANDBOX, SIGKILL);
      await sleep(delay);
    }
  }

  /** No error when it has exited. */
  async signal(signal: number): Promise<void> {
    await this.#command(this.#watch.signalArgv.map((word) => word.replaceAll('{signal}', String(signal))));
  }

  /** SIGKILLs everything in the container. No error when nothing is left in it. */
  async killAll(): Promise<void> {
    await this.#command(this.#watch.killArgv);
  }

  /** Ends the watching. */
  close(): void {
    this.#closed = true;
    this.#call?.close();
    if (this.#waiting !== undefined) killGroup(this.#waiting);
  }

  /** The command that waits now. */
  get waiting(): number | undefined {
    return this.#waiting?.pid;
  }

  async #exitCode(sandbox: Sandbox): Promise<number | undefined> {
    const { waitCall } = this.#watch;
    if (waitCall === undefined) return this.#waitOnce();
    this.#call = new WaitCall(waitCall);
    const exitCode = await this.#call.run((fd) => this.#children.saw(fd));
    return exitCode !== undefined || this.#closed || hasGone(sandbox) ? exitCode : this.#waitOnce();
  }

  /** undefined when the command told nothing. */
  #waitOnce(): Promise<number | undefined> {
    let text = '';
    return new Promise((resolve) => {
      const child = this.#spawnWait();
      this.#waiting = child;
      if (child === undefined) return resolve(undefined);
      child.stdout?.setEncoding('utf8').on('data', (data: string) => {
        text = (text + data).slice(0, MAX_OUTPUT_BYTES);
      });
      child.once('error', () => resolve(undefined));
      child.once('close', () => {
        this.#waiting = undefined;
        resolve(exitStatusIn(text));
      });
    });
  }

  /** undefined when it could not be started: a machine that is short of something may have it again. */
  #spawnWait(): Child | undefined {
    try {
      return this.#children.spawn(this.#watch.waitArgv, this.#watch.env, ['ignore', 'pipe', 'ignore']);
    } catch {
      return undefined;
    }
  }

  /** A container that has ended, and a sandbox that is gone, take no signal; what has to end tells by `waitArgv`. */
  async #command(argv: readonly string[]): Promise<void> {
    const child = this.#children.spawn(argv, this.#watch.env, ['ignore', 'ignore', 'ignore']);
    const { timedOut } = await childEnd(child, COMMAND_TIMEOUT_MS);
    if (!timedOut) return;
    throw new CribError('DEADLINE_EXCEEDED', `${argv.join(' ')}: killed after ${COMMAND_TIMEOUT_MS} ms`);
  }
}

/** Whether the very process that was recorded is there; one that has ended and was not reaped yet is not. */
export function isAlive({ pid, startTime }: Sandbox): boolean {
  return startTime !== '' && startTimeOf(pid) === startTime;
}

/** Where nothing can tell (EMFILE) it is asked again: an exit that was none would be told for good. */
function hasGone(sandbox: Sandbox): boolean {
  try {
    return !isAlive(sandbox);
  } catch {
    return false;
  }
}

/** `{"id":"…","exitStatus":7}`; undefined for anything else. */
export function exitStatusIn(text: string): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !Number.isInteger(value.exitStatus)) return undefined;
  const status = Number(value.exitStatus);
  return status >= 0 && status <= 255 ? status : undefined;
}
