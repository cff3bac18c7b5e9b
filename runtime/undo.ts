/**
 * What an operation that fails half way takes back. Each acquired resource pushes its undo; failure runs them in
 * reverse, each under a deadline of its own (the caller's may be what has run out); success lets go.
 */

import { messageOf } from './errors.js';
import type { Log } from './log.js';
import { Serial } from './serial.js';
import type { StepName } from './step-names.js';
import { step } from './steps.js';

interface Step {
  readonly name: StepName;
  readonly undo: () => Promise<void> | void;
}

const STEP_DEADLINE_MS = 30_000;

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
  readonly #serial = new Serial();
  #steps: Step[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Tries all again that have failed so far; those that fail once more stay. To be called before something is made. */
  retry(): Promise<void> {
    return this.#serial.run(() => this.finish(this.#steps.splice(0)));
  }

  /** Carries out `steps`, one after the other; keeps those that fail. */
  async finish(steps: readonly Step[]): Promise<void> {
    for (const { name, undo } of steps) {
      try {
        const work = step(name, async () => undo());
        await withDeadline(work, STEP_DEADLINE_MS, name);
      } catch (error) {
        this.#steps.push({ name, undo });
        this.#log.warn({ step: name, error: messageOf(error) }, 'could not undo a step of a failed operation');
      }
    }
  }
}

async function withDeadline(work: Promise<void>, milliseconds: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
