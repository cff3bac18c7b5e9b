/**
 * Looks again at the verified volumes of containers that run: from time to time, and soon when the kernel hints at a
 * change. What that costs is bounded: a hundredth of the time, and a tenth where something keeps changing.
 */

import { performance } from 'node:perf_hooks';
import { codeOf, messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import type { VolumeDecision } from '../types.js';
import { Recheck } from './recheck.js';
import { VerityError } from './verified-mount.js';

const INTERVAL_MS = 5_000;
/** Also of a tree that takes long. */
const LONGEST_MS = 60_000;
/** A change is some events. */
const HINT_MS = 100;
/** How many times as long as a look took the next one waits. */
const REST = 100;
const REST_AFTER_HINT = 10;

export interface Following {
  /** Whose volumes they are, for the log. */
  readonly id: string;
  readonly volumes: readonly VolumeDecision[];
  /** False: the container does not run any more, and is forgotten. */
  wanted(): boolean;
  /** Makes an end of it; called again while it is wanted. Never rejects. */
  onMismatch(error: VerityError): Promise<void>;
  readonly signal: AbortSignal;
}

export class Rechecks {
  readonly #log: Log;
  readonly #intervalMs: number;
  readonly #followed = new Map<string, Followed>();

  constructor(log: Log, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#intervalMs = intervalMs;
  }

  /** Nothing where no volume is to be watched. Idempotent. */
  follow(following: Following): void {
    const { id } = following;
    if (this.#followed.has(id)) return;
    const rechecks = following.volumes.flatMap((decision) => Recheck.of(decision) ?? []);
    if (rechecks.length === 0) return;
    const followed = new Followed(following, rechecks, this.#intervalMs, this.#log, () => this.#followed.delete(id));
    this.#followed.set(id, followed);
    followed.begin();
  }

  /** How many containers have volumes that are looked at again. */
  get size(): number {
    return this.#followed.size;
  }

  close(): void {
    for (const followed of [...this.#followed.values()]) followed.end();
  }
}

class Followed {
  readonly #following: Following;
  readonly #rechecks: readonly Recheck[];
  readonly #intervalMs: number;
  readonly #log: Log;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** performance.now() before which hints are not followed. */
  #restUntil = 0;
  #due = Number.POSITIVE_INFINITY;
  #looking = false;
  #hinted = false;
  #ended = false;

  constructor(following: Following, rechecks: readonly Recheck[], intervalMs: number, log: Log, onEnd: () => void) {
    this.#following = following;
    this.#rechecks = rechecks;
    this.#intervalMs = intervalMs;
    this.#log = log;
    this.#onEnd = onEnd;
  }

  begin(): void {
    this.#schedule(0);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const recheck of this.#rechecks) recheck.close();
    this.#onEnd();
  }

  #schedule(milliseconds: number): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#due = performance.now() + milliseconds;
    this.#timer = setTimeout(() => void this.#look(), milliseconds).unref();
  }

  #hint(): void {
    this.#hinted = true;
    if (this.#looking) return;
    const wait = Math.max(HINT_MS, this.#restUntil - performance.now());
    if (performance.now() + wait < this.#due) this.#schedule(wait);
  }

  async #look(): Promise<void> {
    if (this.#ended) return;
    if (!this.#following.wanted()) return this.end();
    this.#looking = true;
    this.#hinted = false;
    const begun = performance.now();
    for (const recheck of this.#rechecks) await this.#lookAt(recheck);
    this.#looking = false;
    const took = performance.now() - begun;
    this.#restUntil = performance.now() + Math.min(took * REST_AFTER_HINT, LONGEST_MS);
    this.#schedule(Math.min(Math.max(this.#intervalMs, took * REST), LONGEST_MS));
    if (this.#hinted) this.#hint();
  }

  async #lookAt(recheck: Recheck): Promise<void> {
    const { id, signal } = this.#following;
    if (this.#ended || signal.aborted) return;
    try {
      await recheck.run(signal);
      if (!this.#ended) recheck.watch(() => this.#hint());
    } catch (error) {
      if (codeOf(error) === 'CANCELLED' || !this.#following.wanted()) return;
      if (error instanceof VerityError) await this.#following.onMismatch(error);
      else this.#log.warn({ id, error: messageOf(error) }, 'a verified volume could not be looked at; again later');
    }
  }
}
