/** The cribd under test: killed and started again while clients go on asking, as kubelets do. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CriClient } from '../../cri/client.js';
import { CribError } from '../../runtime/errors.js';
import type { Contestant } from '../bench/contestant.js';

/** What a call answers with when the daemon, or the keeper behind it, dies under it. */
const DIED = ['UNAVAILABLE', 'CANCELLED'];
/** A call that begins within this after the keeper's death may meet a daemon that has not noticed yet. */
const KEEPER_GONE_MS = 5_000;
const RETRY_MS = 20;
/** How long a client goes on asking; longer than any restart may take. */
const PATIENCE_MS = 240_000;
const KEEPER_BACK_MS = 30_000;
const POLL_MS = 10;

/** What is killed; `both`: cribd and the keeper at once. */
export type Victim = 'cribd' | 'keeper' | 'both';

export class ChurnNode {
  readonly daemon: Contestant;
  /** Deaths of the daemon or the keeper so far. */
  deaths = 0;
  /** Of those, how often nobody was left who held a terminal. */
  bothDeaths = 0;
  #keeperDeaths = 0;
  #keeperDied = Number.NEGATIVE_INFINITY;
  /** While there is no daemon to ask. */
  #down: Promise<void> | undefined;
  #stopped: Error | undefined;

  constructor(daemon: Contestant) {
    this.daemon = daemon;
  }

  get keeperDeaths(): number {
    return this.#keeperDeaths;
  }

  /** Every call from now on rejects with this. */
  stop(reason: Error): void {
    this.#stopped ??= reason;
  }

  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** A call, made again when something died under it. An error while nothing died is the caller's to judge. */
  async call<T>(operation: (cri: CriClient) => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      while (this.#down !== undefined) await this.#down;
      this.throwIfStopped();
      const { deaths } = this;
      try {
        return await operation(this.daemon.cri);
      } catch (error) {
        const recent = this.deaths !== deaths || performance.now() - this.#keeperDied < KEEPER_GONE_MS;
        const died = recent && error instanceof CribError && DIED.includes(error.code);
        if (!died || performance.now() > deadline) throw error;
      }
      await sleep(RETRY_MS);
    }
  }

  /**
   * `kill -9`, a new daemon, and `audit` before any client is let in again. Resolves to the milliseconds from the
   * start of the new process until it says that it is ready.
   */
  async killDaemon(audit: () => Promise<void>): Promise<number> {
    let open: () => void = () => undefined;
    this.#down = new Promise((resolve) => {
      open = resolve;
    });
    this.deaths += 1;
    try {
      await this.daemon.kill();
      const took = await this.daemon.start();
      await audit();
      return took;
    } finally {
      this.#down = undefined;
      open();
    }
  }

  /** The same of the daemon and the keeper at once. */
  async killBoth(audit: () => Promise<void>): Promise<number> {
    const { daemon, supervisors } = await this.daemon.pids();
    this.bothDeaths += 1;
    this.#keeperDeaths += 1;
    this.#keeperDied = performance.now();
    for (const pid of [daemon, ...supervisors]) process.kill(pid, 'SIGKILL');
    return this.killDaemon(audit);
  }

  /** `kill -9` of the keeper; the daemon is left to find out. Resolves to the milliseconds until the next one runs. */
  async killKeeper(): Promise<number> {
    const began = performance.now();
    const [keeper] = (await this.daemon.pids()).supervisors;
    if (keeper === undefined) return 0;
    this.deaths += 1;
    this.#keeperDeaths += 1;
    this.#keeperDied = performance.now();
    process.kill(keeper, 'SIGKILL');
    for (const deadline = began + KEEPER_BACK_MS; performance.now() < deadline; await sleep(POLL_MS)) {
      const { supervisors } = await this.daemon.pids();
      if (supervisors.some((pid) => pid !== keeper)) return performance.now() - began;
    }
    throw new Error(`no keeper ran ${KEEPER_BACK_MS} ms after the last one was killed`);
  }

  /** One death of `victim`. `audit` is for what a start has left, before any client is let in. */
  kill(victim: Victim, audit: () => Promise<void>): Promise<number> {
    if (victim === 'keeper') return this.killKeeper();
    return victim === 'both' ? this.killBoth(audit) : this.killDaemon(audit);
  }
}
