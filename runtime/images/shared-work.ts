/** Work that several callers want at a time and that is done once. It goes on while anybody waits for it. */

import { CribError } from '../errors.js';

interface Job<T, P> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: P) => void>;
  waiters: number;
  last: P | undefined;
}

/** What a caller brings: its own cancellation, and an ear for progress. */
export interface Waiter<P> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: P) => void) | undefined;
}

export class SharedWork<T, P = never> {
  readonly #jobs = new Map<string, Job<T, P>>();

  /** Joins the work called `key`, or starts it. Rejects with CANCELLED when this caller's signal fires. */
  async join(
    key: string,
    waiter: Waiter<P>,
    start: (signal: AbortSignal, publish: (progress: P) => void) => Promise<T>,
  ): Promise<T> {
    if (waiter.signal?.aborted === true) throw cancelled(key);
    const job = this.#jobs.get(key) ?? this.#start(key, start);
    const { onProgress } = waiter;
    job.waiters++;
    if (onProgress !== undefined) {
      job.listeners.add(onProgress);
      if (job.last !== undefined) onProgress(job.last);
    }
    try {
      return await untilAborted(job.result, waiter.signal, key);
    } finally {
      if (onProgress !== undefined) job.listeners.delete(onProgress);
      job.waiters--;
      if (job.waiters === 0) this.#abandon(key, job);
    }
  }

  /** Cancels everything and waits until it has ended. */
  async close(): Promise<void> {
    const jobs = [...this.#jobs.values()];
    for (const job of jobs) job.controller.abort();
    await Promise.allSettled(jobs.map((job) => job.result));
  }

  #start(key: string, start: (signal: AbortSignal, publish: (progress: P) => void) => Promise<T>): Job<T, P> {
    const controller = new AbortController();
    const listeners = new Set<(progress: P) => void>();
    const publish = (progress: P): void => {
      job.last = progress;
      for (const listener of listeners) listener(progress);
    };
    const result = Promise.resolve().then(() => start(controller.signal, publish));
    const job: Job<T, P> = { result, controller, listeners, waiters: 0, last: undefined };
    this.#jobs.set(key, job);
    const forget = (): void => {
      if (this.#jobs.get(key) === job) this.#jobs.delete(key);
    };
    result.then(forget, forget);
    return job;
  }

  /** A later caller of the same key starts anew rather than join what is being cancelled. */
  #abandon(key: string, job: Job<T, P>): void {
    if (this.#jobs.get(key) === job) this.#jobs.delete(key);
    job.controller.abort();
  }
}

function cancelled(key: string): CribError {
  return new CribError('CANCELLED', `${key}: the caller went away`);
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, key: string): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled(key));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
