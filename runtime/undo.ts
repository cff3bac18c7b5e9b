/**
 * What an operation that fails half way takes back. Each acquired resource pushes its undo; failure runs them in
 * reverse, each under a deadline of its own (the caller's may be what has run out); success lets go.
 */

import { atOnce } from './all-done.js';
import { atMost } from './at-most.js';
import { messageOf } from './errors.js';
import type { Log } from './log.js';
import type { StepName } from './step-names.js';
import { step } from './steps.js';

interface Step {
  readonly name: StepName;
  readonly undo: () => Promise<void> | void;
}

const STEP_DEADLINE_MS = 30_000;
/** How long what is made waits for the undos of others, and so many of them are tried at a time. */
const RETRY_WAIT_MS = 2_000;
const RETRIES_AT_ONCE = 8;

export class Undo {
  readonly #steps: Step[] = [];

  push(name: StepName, undo: Step['undo']): void {
    this.#steps.push({ name, undo });
  }

  /**
   * Runs `operation`; when it throws, everything it pushed is undone before the error goes on. What cannot be undone now
   * is left to `unfinished`: one step that fails does not keep the others from running.
   */
  static async guard<T>(unfinished: Unfinished, operation: (undo: Undo) => Promise<T>): Promise<T> {
    const undo = new Undo();
    try {
      return await operation(undo);
    } catch (error) {
      await unfinished.finish(undo.#steps.reverse());
      throw error;
    }
  }
}

/** Undos that failed: they may hold what the same request needs when it comes again. A start-up knows them by their traces. */
export class Unfinished {
  readonly #log: Log;
  /** By operation. */
  #failed: (readonly Step[])[] = [];
  #retrying: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Tries all again that have failed so far; those that fail once more stay. To be called before something is made, which
   * waits for them, but not for long: a network that hangs in many undos must not keep the pod from coming that mends it.
   */
  async retry(): Promise<void> {
    if (this.#failed.length > 0) {
      this.#retrying ??= this.#retryAll().finally(() => {
        this.#retrying = undefined;
      });
    }
    if (this.#retrying !== undefined) await atMost(this.#retrying, RETRY_WAIT_MS);
  }

  /** Carries out the `steps` of an operation, one after the other; keeps those that fail. */
  async finish(steps: readonly Step[]): Promise<void> {
    const left: Step[] = [];
    for (const one of steps) if (!(await this.#succeeds(one))) left.push(one);
    if (left.length > 0) this.#failed.push(left);
  }

  async #retryAll(): Promise<void> {
    await atOnce(this.#failed.splice(0), RETRIES_AT_ONCE, (steps) => this.finish(steps));
  }

  async #succeeds({ name, undo }: Step): Promise<boolean> {
    try {
      const work = step(name, async () => undo());
      if (await atMost(work, STEP_DEADLINE_MS)) return true;
      throw new Error(`${name} took longer than ${STEP_DEADLINE_MS} ms`);
    } catch (error) {
      this.#log.warn({ step: name, error: messageOf(error) }, 'could not undo a step of a failed operation');
      return false;
    }
  }
}
