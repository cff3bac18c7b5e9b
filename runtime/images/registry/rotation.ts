/**
 * In which order endpoints are asked, and when to give up. One round asks each endpoint once, in the order of the
 * configuration; those whose failure may pass are asked again in the next round, after a pause that doubles. So a
 * dead mirror costs one attempt, and a mirror that is overloaded is asked again where the registry cannot be reached.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../../errors.js';
import type { Endpoint } from './endpoint.js';
import { cancelled, RegistryFailure } from './failure.js';

export interface RetryPolicy {
  /** Rounds without any progress before giving up. */
  readonly attempts: number;
  /** Pause after the first round, milliseconds; doubles each time, up to `maxMs`, times a random 0.5 to 1. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** The longest Retry-After that is honoured; more is given up on. */
  readonly retryAfterMaxMs: number;
  /** Connecting, with TLS and proxy; hosts.toml's dial_timeout overrides it. */
  readonly connectMs: number;
  /** From the request to the head of the answer. */
  readonly answerMs: number;
  /** Without a single byte. */
  readonly stallMs: number;
  /** How often one blob is taken up again after it had begun to arrive. */
  readonly resumes: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 5,
  baseMs: 250,
  maxMs: 10_000,
  retryAfterMaxMs: 60_000,
  connectMs: 15_000,
  answerMs: 60_000,
  stallMs: 30_000,
  resumes: 100,
};

export class Rotation {
  readonly #what: string;
  readonly #policy: RetryPolicy;
  readonly #failures = new Map<Endpoint, CribError>();
  #round: Endpoint[];
  #again: Endpoint[] = [];
  #rounds = 1;
  #resumes = 0;
  #askedToWaitMs = 0;

  /** `endpoints` is not empty. `what` begins the message of the final error. */
  constructor(what: string, endpoints: readonly Endpoint[], policy: RetryPolicy) {
    this.#what = what;
    this.#policy = policy;
    this.#round = [...endpoints];
  }

  /** The endpoint to ask next, after the pause that is due. Throws the final error when there is none. */
  async next(signal: AbortSignal): Promise<Endpoint> {
    if (signal.aborted) throw cancelled(this.#what, signal);
    if (this.#round.length === 0 && this.#again.length > 0 && this.#rounds < this.#policy.attempts) {
      await this.#pause(signal);
      this.#round = this.#again;
      this.#again = [];
      this.#rounds++;
    }
    const endpoint = this.#round.shift();
    if (endpoint === undefined) throw this.#finalError();
    return endpoint;
  }

  /** Takes note of a failure; throws only when it is the caller who ended the request. */
  failed(endpoint: Endpoint, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) throw cancelled(this.#what, signal);
    if (!(error instanceof CribError)) throw error;
    this.#failures.set(endpoint, error);
    if (!(error instanceof RegistryFailure) || !error.retryable) return;
    if ((error.retryAfterMs ?? 0) > this.#policy.retryAfterMaxMs) return;
    this.#askedToWaitMs = Math.max(this.#askedToWaitMs, error.retryAfterMs ?? 0);
    this.#again.push(endpoint);
  }

  /** Bytes came before the failure that follows: it counts as the first, but only so many times. */
  progressed(): void {
    this.#resumes++;
    if (this.#resumes <= this.#policy.resumes) this.#rounds = 1;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const backOff = Math.min(this.#policy.maxMs, this.#policy.baseMs * 2 ** (this.#rounds - 1));
    const pause = Math.max(this.#askedToWaitMs, backOff * (0.5 + Math.random() / 2));
    this.#askedToWaitMs = 0;
    try {
      await sleep(pause, undefined, { signal });
    } catch {
      throw cancelled(this.#what, signal);
    }
  }

  /** The registry itself is asked last, so its error is the one that counts; those of the mirrors follow. */
  #finalError(): CribError {
    const failures = [...this.#failures].sort(([one], [other]) => Number(other.upstream) - Number(one.upstream));
    const [first, ...others] = failures.map(([, error]) => error);
    if (first === undefined) return new CribError('INTERNAL', `${this.#what}: no endpoint was asked`);
    const mirrors = others.map((error) => error.message).join('; ');
    const message = `${this.#what}: ${first.message}${mirrors === '' ? '' : ` (before that: ${mirrors})`}`;
    return new CribError(first.code, message, { cause: first });
  }
}
