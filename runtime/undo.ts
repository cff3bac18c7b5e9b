/**
 * What an operation that fails half way takes back. Each acquired resource pushes its undo; failure runs them in
 * reverse, each under a deadline of its own (the caller's may be what has run out); success lets go.
 */

import { messageOf } from './errors.js';
import type { Log } from './log.js';
import type { StepName } from './step-names.js';
import { step } from './steps.js';

interface Step {
  readonly name: StepName;
  readonly undo: () => Promise<void> | void;
}

const STEP_DEADLINE_MS = 30_000;

export class Undo {
  readonly #steps: Step[] = [];
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  push(name: StepName, undo: Step['undo']): void {
    this.#steps.push({ name, undo });
  }

  /** Runs `operation`; when it throws, everything it pushed is undone before the error goes on. */
  static async guard<T>(log: Log, operation: (undo: Undo) => Promise<T>): Promise<T> {
    const undo = new Undo(log);
    try {
      return await operation(undo);
    } catch (error) {
      await undo.#run();
      throw error;
    }
  }

  /** One step that fails does not keep the others from running: start-up tries again what is left. */
  async #run(): Promise<void> {
    for (const { name, undo } of this.#steps.reverse()) {
      try {
        const work = step(name, async () => undo());
        await withDeadline(work, STEP_DEADLINE_MS, name);
      } catch (error) {
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
