/** What one subscriber has still to get: bounded, for a subscriber that does not read must cost nobody else anything. */

import { CribError } from '../../runtime/errors.js';
import type { RecordedEvent } from './event.js';

export class EventQueue {
  readonly #limit: number;
  #events: RecordedEvent[] = [];
  #failure: CribError | undefined;
  #wake: () => void = () => {};

  /** `limit`: events that may wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Over the limit, everything that waits is let go, and the subscriber's next read says so. */
  push(event: RecordedEvent): void {
    if (this.#failure !== undefined) return;
    this.#events.push(event);
    if (this.#events.length > this.#limit) {
      const why = `more than ${this.#limit} container events wait to be read: list pods and containers, then subscribe again`;
      this.end(new CribError('RESOURCE_EXHAUSTED', why));
    }
    this.#wake();
  }

  /** No further event: `next` throws `failure`. */
  end(failure: CribError): void {
    this.#failure ??= failure;
    this.#events = [];
    this.#wake();
  }

  /** The oldest event, when there is one. Throws the signal's reason, or why the subscription ended. */
  async next(signal: AbortSignal): Promise<RecordedEvent> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await this.#pushed(signal);
    }
  }

  #pushed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
