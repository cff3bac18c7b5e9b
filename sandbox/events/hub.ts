/**
 * Events from where they happen to everyone who listens. Those that no subscriber has taken are kept, bounded and over
 * a restart, for the next one that subscribes: a kubelet that was away for a moment loses none.
 *
 * A subscriber that does not keep up is ended, rather than left with a hole that it cannot see: a kubelet then lists
 * everything once and subscribes again.
 */

import { nowNs } from '../../runtime/clock.js';
import { CribError } from '../../runtime/errors.js';
import type { EventType, RecordedEvent } from './event.js';
import type { EventJournal, JournalState } from './journal.js';
import { EventQueue } from './queue.js';

/** As many as a kubelet has room for in its own channel. */
const QUEUE_LIMIT = 1000;

export type Snapshot = Pick<RecordedEvent, 'pod' | 'containers'>;

export class EventHub {
  readonly #journal: EventJournal;
  readonly #queueLimit: number;
  readonly #queues = new Set<EventQueue>();
  /** Those of them that are no onlookers'. */
  readonly #takers = new Set<EventQueue>();
  #seq = 0;
  #taken = 0;
  #lastTime = 0n;

  constructor(journal: EventJournal, queueLimit = QUEUE_LIMIT) {
    this.#journal = journal;
    this.#queueLimit = queueLimit;
  }

  /** Tells what the journal knows of each object, so that what is missing can be published. */
  async open(): Promise<JournalState> {
    const state = await this.#journal.open();
    this.#seq = state.seq;
    this.#taken = state.taken;
    return state;
  }

  /** Subscriptions end with UNAVAILABLE; what they have not taken goes to the next one. */
  async close(): Promise<void> {
    for (const queue of this.#queues) queue.end(new CribError('UNAVAILABLE', 'crib ends; subscribe again'));
    await this.#journal.close();
  }

  publish(type: EventType, containerId: string, podId: string, snapshot: Snapshot): void {
    this.#seq += 1;
    const event = { seq: this.#seq, type, containerId, podId, createdAt: String(this.#tick()), ...snapshot };
    this.#journal.append(event);
    for (const queue of this.#queues) queue.push(event);
  }

  get subscribers(): number {
    return this.#queues.size;
  }

  /**
   * Events from now on, and before them, for the only subscriber, those that nobody has taken. Ends with the signal's
   * reason, or with RESOURCE_EXHAUSTED for a subscriber that does not keep up. An onlooker is not counted, and takes none.
   */
  async *subscribe(signal: AbortSignal, onlooker = false): AsyncGenerator<RecordedEvent, never, undefined> {
    const queue = new EventQueue(this.#queueLimit);
    const take = onlooker ? () => undefined : (seq: number) => this.#take(seq);
    const after = this.#takers.size === 0 ? this.#taken : this.#seq;
    const upTo = this.#seq;
    this.#queues.add(queue);
    if (!onlooker) this.#takers.add(queue);
    try {
      if (upTo > after) {
        for await (const event of this.#journal.read(after, upTo)) {
          yield event;
          take(event.seq);
        }
        take(upTo);
      }
      for (;;) {
        const event = await queue.next(signal);
        yield event;
        take(event.seq);
      }
    } finally {
      this.#queues.delete(queue);
      this.#takers.delete(queue);
    }
  }

  #take(seq: number): void {
    if (seq <= this.#taken) return;
    this.#taken = seq;
    this.#journal.taken(seq);
  }

  /** A kubelet drops what is older than what it has: times never go back, nor stand still. */
  #tick(): bigint {
    const now = nowNs();
    this.#lastTime = now > this.#lastTime ? now : this.#lastTime + 1n;
    return this.#lastTime;
  }
}
