/** A client that calls again as a kubelet does, while one step of the node is disturbed; and what came of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions, CriClient } from '../../cri/client.js';
import { CribError } from '../../runtime/errors.js';
import { type Case, listOf } from './case.js';
import type { Stage } from './stage.js';

/** For a call that may hang; it takes a tenth of that on a machine that has nothing else to do, */
const HANG_PATIENCE_MS = 1_500;
/** and this in a sandbox that has a kernel of its own to start. */
const SANDBOX_HANG_PATIENCE_MS = 5_000;
const PATIENCE_MS = 60_000;
const MAX_TRIES = 6;
const REAP_MS = 1_000;
/** Codes that a call ends with when a process behind it has died. */
const DIED = ['UNAVAILABLE', 'CANCELLED', 'INTERNAL'];

type Operation<T> = (cri: CriClient, options: CallOptions) => Promise<T>;

export class WalkClient {
  /** What is wrong, in words. */
  readonly failures: string[] = [];
  readonly #stage: Stage;
  readonly #case: Case;
  readonly #saidBefore: readonly number[];
  #armed = true;
  #deadlines = 0;
  #disturbances = 0;

  private constructor(stage: Stage, disturbed: Case, saidBefore: readonly number[]) {
    this.#stage = stage;
    this.#case = disturbed;
    this.#saidBefore = saidBefore;
  }

  static async arm(stage: Stage, disturbed: Case): Promise<WalkClient> {
    const saidBefore = (await stage.said()).map(({ length }) => length);
    await stage.arm(listOf(disturbed));
    return new WalkClient(stage, disturbed, saidBefore);
  }

  /** The keeper may die: what only it knew may be unknown then, and what it had not read yet is lost. */
  get keeperDies(): boolean {
    return this.#case.action === 'kill' && this.#case.name.startsWith('keeper/');
  }

  /** One call, made until it is answered. Throws what the disturbance does not explain. */
  async call<T>(what: string, operation: Operation<T>): Promise<T> {
    const hangMs = this.#stage.handler === '' ? HANG_PATIENCE_MS : SANDBOX_HANG_PATIENCE_MS;
    for (let attempt = 1; ; attempt += 1) {
      const timeoutMs = this.#armed && this.#case.action === 'hang' ? hangMs : PATIENCE_MS;
      try {
        return await operation(this.#stage.daemon.cri, { timeoutMs });
      } catch (error) {
        await this.#recover(`${what}, attempt ${attempt}`, error, attempt);
      }
    }
  }

  /** Ends the disturbance, also one that no call has noticed. False: it never came to it. */
  async end(): Promise<boolean> {
    const said = (await this.#stage.said()).map((text, index) => text.slice(this.#saidBefore[index]));
    const { name, position, action } = this.#case;
    const line = `failpoint ${name}:${position}=${action}`;
    const reached = this.#disturbances > 0 || said.some((text) => text.includes(line));
    if (this.#stage.daemon.alive) await this.#disarm();
    else await this.#restart();
    return reached;
  }

  async #recover(what: string, error: unknown, attempt: number): Promise<void> {
    if (!(error instanceof CribError) || attempt >= MAX_TRIES) throw error;
    if (await this.#hasDied(error)) {
      await this.#restart();
    } else if (error.code === 'DEADLINE_EXCEEDED' && this.#case.action === 'hang' && this.#armed) {
      await this.#hung();
    } else if (this.#explains(error)) {
      await this.#disarm();
    } else {
      throw new Error(`${what}: ${error.code}: ${error.message}`, { cause: error });
    }
    this.#disturbances += 1;
  }

  /** The connection ends a moment before the process is reaped. */
  async #hasDied({ code }: CribError): Promise<boolean> {
    const { daemon } = this.#stage;
    const mayBe = code === 'UNAVAILABLE' && this.#case.action === 'kill' && this.#armed;
    for (const deadline = performance.now() + REAP_MS; mayBe && daemon.alive; await sleep(5)) {
      if (performance.now() > deadline) break;
    }
    return !daemon.alive;
  }

  /** Before the work it goes on when a second call has waited for it too; after it, the daemon is killed. */
  async #hung(): Promise<void> {
    this.#deadlines += 1;
    if (this.#case.position === 'after') await this.#restart();
    else if (this.#deadlines > 1) await this.#disarm();
  }

  #explains(error: CribError): boolean {
    if (error.message.includes('failpoint ')) return true;
    const { action, name } = this.#case;
    const dies = name.startsWith('keeper/') || name.startsWith('unpack/');
    return action === 'kill' && dies && DIED.includes(error.code);
  }

  async #disarm(): Promise<void> {
    this.#armed = false;
    await this.#stage.arm('');
  }

  async #restart(): Promise<void> {
    this.#armed = false;
    const halves = await this.#stage.restart();
    this.failures.push(...halves.map((half) => `after the restart: ${half}`));
  }
}
