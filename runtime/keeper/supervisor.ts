/**
 * cribd's care for the keeper: finds it, starts one where none runs and at once when it has died, with what was held of
 * the dead one, and has it become the version that cribd came with.
 */

import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { isObject } from './frames.js';
import { HeldDescriptors } from './held-descriptors.js';
import { launchKeeper, V8_FLAGS } from './launch.js';
import { Link } from './link.js';
import { ALREADY_RUNNING, type KeptContainer } from './protocol.js';
import { requestUpgrade } from './upgrade-request.js';

const START_TIMEOUT_MS = 20_000;
/** For one that was started and runs: it listens only when it has taken over all containers, of a busy machine's hundreds. */
const LOAD_TIMEOUT_MS = 60_000;
/** From a start that found another one's lock to the next, doubled each time: that one ends soon, or takes its time to listen. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;
const HOLD_TIMEOUT_MS = 30_000;
/** For a service manager to start again what it had started: it has a store of descriptors, and its unit is one place. */
const SERVICE_GRACE_MS = 5_000;
/** One that lives shorter than this is broken rather than killed: it is started again, more slowly each time. */
const SHORT_LIFE_MS = 2_000;
const FREE_RESTARTS = 3;
const MAX_RESTART_DELAY_MS = 2_000;
const UPGRADE_AGAIN_MS = 60_000;

const ATTEMPTS_PER_LAUNCH = 25;

export interface SupervisorOptions {
  /** Directory of the keeper's socket, lock and records; absolute. */
  readonly state: string;
  /** The keeper's main file, compiled to JavaScript or bundled. */
  readonly keeperPath: string;
  /** After so many attempts to connect another keeper is started; default: 25, about four seconds. */
  readonly attemptsPerLaunch?: number;
  /** Milliseconds after which it is given up where none runs; default: 20,000. */
  readonly startTimeoutMs?: number;
  /** Milliseconds in which a service manager may start its keeper again; default: 5,000. */
  readonly serviceGraceMs?: number;
  readonly log: Log;
}

export interface SupervisorEvents {
  /** A new connection: exits may be told again. */
  onConnecting(): void;
  onExit(container: KeptContainer): void;
  /** The keeper has died. */
  onLost(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #events: SupervisorEvents;
  readonly #held: HeldDescriptors;
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  #upgradeTimer: NodeJS.Timeout | undefined;
  #connectedAt = Number.NEGATIVE_INFINITY;
  #shortLives = 0;
  /** The last keeper was a service manager's. */
  #wasService = false;
  #closed = false;
  #retired = false;
  /** While there is no connection. */
  #launch: Launch | undefined;

  constructor(options: SupervisorOptions, events: SupervisorEvents) {
    this.#options = options;
    this.#events = events;
    this.#held = new HeldDescriptors(options.state);
  }

  /** The connection as it is now. */
  get current(): Link | undefined {
    return this.#link?.isOpen === true ? this.#link : undefined;
  }

  /** The connection, made when there is none. Throws UNAVAILABLE when no keeper can be started. */
  link(): Promise<Link> {
    if (this.current !== undefined) return Promise.resolve(this.current);
    if (this.#retired) return Promise.reject(retired());
    this.#closed = false;
    this.#connecting ??= this.#open().finally(() => {
      this.#launch = undefined;
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /**
   * cribd is about to end: a keeper that ends now is not replaced, one that ended just before neither. Where both are
   * units that are stopped together, another one, out of its unit, would keep the unit from starting again.
   */
  retire(): void {
    this.#retired = true;
    this.#launch?.cancel();
  }

  /** Leaves the keeper running. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#upgradeTimer);
    this.#link?.close();
    this.#link = undefined;
    this.#held.close();
  }

  async #open(): Promise<Link> {
    await sleep(this.#restartDelay());
    const began = performance.now();
    const launch = new Launch(() => {
      this.#held.drain();
      return launchKeeper(this.#options.state, this.#options.keeperPath, this.#held.held);
    });
    this.#launch = launch;
    for (let attempt = 0, delay = 10; ; delay = Math.min(delay * 1.5, 200)) {
      try {
        return await this.#openOnce();
      } catch (error) {
        if (!(error instanceof CribError) || error.code !== 'UNAVAILABLE') throw error;
        const { startTimeoutMs = START_TIMEOUT_MS } = this.#options;
        if (performance.now() - began > (launch.isRunning ? LOAD_TIMEOUT_MS : startTimeoutMs)) {
          const message = `${error.message}; started ${this.#options.keeperPath}, see ${this.#options.state}/keeper.log`;
          throw new CribError('UNAVAILABLE', message, { cause: error });
        }
      }
      if (this.#retired) throw retired();
      if (!this.#isServiceDue(began))
        launch.tick(attempt++ % (this.#options.attemptsPerLaunch ?? ATTEMPTS_PER_LAUNCH) === 0);
      await sleep(delay);
    }
  }

  #isServiceDue(since: number): boolean {
    const { serviceGraceMs = SERVICE_GRACE_MS } = this.#options;
    return this.#wasService && performance.now() - since < serviceGraceMs;
  }

  /** None at first: who has killed one wants the next at once. */
  #restartDelay(): number {
    if (performance.now() - this.#connectedAt > SHORT_LIFE_MS) this.#shortLives = 0;
    else this.#shortLives++;
    const more = this.#shortLives - FREE_RESTARTS;
    return more <= 0 ? 0 : Math.min(50 * 2 ** more, MAX_RESTART_DELAY_MS);
  }

  async #openOnce(): Promise<Link> {
    this.#events.onConnecting();
    const link = await this.#greeted();
    this.#link = link;
    this.#wasService = link.isService;
    this.#connectedAt = performance.now();
    await this.#held.join((path) => this.#hold(link, path));
    void this.#keepCurrent(link);
    return link;
  }

  async #greeted(): Promise<Link> {
    const { state } = this.#options;
    const open = async () => {
      let link: Link | undefined;
      link = await Link.open(state, {
        onExit: (container) => this.#events.onExit(container),
        onHeld: () => this.#held.drain(),
        onClose: () => this.#lost(link),
      });
      return link;
    };
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof CribError) || error.code !== 'FAILED_PRECONDITION') throw error;
      await this.#upgrade(); // it speaks another version
      return open();
    }
  }

  /** True: all that the keeper has was sent. */
  async #hold(link: Link, path: string | undefined): Promise<boolean> {
    const answer = await link.call('hold', path === undefined ? {} : { path }, { timeoutMs: HOLD_TIMEOUT_MS });
    this.#held.drain();
    return !isObject(answer) || answer.more !== true;
  }

  /** `link` undefined: it was lost as it opened. The end of one that was closed here may come when the next is open. */
  #lost(link: Link | undefined): void {
    if (link !== undefined && link !== this.#link) return;
    this.#link = undefined;
    clearTimeout(this.#upgradeTimer);
    if (!this.#closed && !this.#retired) this.#events.onLost();
  }

  /** A keeper of another build is asked to become this one's; if it cannot now, again later. */
  async #keepCurrent(link: Link): Promise<void> {
    try {
      if (link.build === (await buildOf(this.#options.keeperPath))) return;
      await this.#upgrade();
      this.#options.log.info({ pid: link.pid }, 'the keeper is upgraded');
    } catch (error) {
      if (this.#link !== link || !link.isOpen) return;
      this.#options.log.warn({ error: messageOf(error) }, 'the keeper is of another build and could not be upgraded');
      this.#upgradeTimer = setTimeout(() => void this.#keepCurrent(link), UPGRADE_AGAIN_MS);
      this.#upgradeTimer.unref();
    }
  }

  async #upgrade(): Promise<void> {
    const { state, keeperPath } = this.#options;
    await requestUpgrade(state, { program: process.execPath, flags: V8_FLAGS, main: keeperPath });
  }
}

function retired(): CribError {
  return new CribError('UNAVAILABLE', 'the keeper has ended, and crib is about to');
}

/**
 * Starts keepers until one answers, one at a time: each costs a busy machine the time that the one before it needs to get
 * ready.
 */
class Launch {
  readonly #start: () => ChildProcess;
  #child: ChildProcess | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #startedAt = 0;

  constructor(start: () => ChildProcess) {
    this.#start = start;
  }

  get isRunning(): boolean {
    const { pid, exitCode, signalCode } = this.#child ?? {};
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** Ends one that was started and does not serve yet. */
  cancel(): void {
    if (this.isRunning) this.#child?.kill();
  }

  /** Again when it was killed, or found a lock whose holder was about to end; and when it is time. */
  tick(isTime: boolean): void {
    if (this.isRunning) return;
    const foundLock = this.#child?.exitCode === ALREADY_RUNNING;
    if (foundLock && performance.now() - this.#startedAt < this.#pauseMs) return;
    if (!isTime && !foundLock && !this.#child?.signalCode) return;
    if (foundLock) this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    this.#startedAt = performance.now();
    this.#child = this.#start();
  }
}

/** What a keeper's hello says of the file that it runs: two files of the same bytes are the same build. */
export async function buildOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
