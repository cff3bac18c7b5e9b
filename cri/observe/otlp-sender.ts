/**
 * Sends spans to a collector, some at a time. A collector that is slow or away costs spans, never memory or time:
 * the queue is bounded, each request has a limit, and what could not be sent is counted, not tried again.
 */

import { messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import { otlpRequest, type Span } from './span.js';

export interface OtlpOptions {
  /** `http://127.0.0.1:4318`; spans are sent to `/v1/traces` below it. */
  readonly endpoint: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly log: Log;
  readonly maxQueue?: number;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

const MAX_QUEUE = 2048;
const BATCH = 256;
const INTERVAL_MS = 2_000;
const TIMEOUT_MS = 5_000;

export class OtlpSender {
  readonly #options: OtlpOptions;
  readonly #url: string;
  readonly #maxQueue: number;
  readonly #intervalMs: number;
  #queue: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failing = false;
  #lost = 0;

  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
    this.#maxQueue = options.maxQueue ?? MAX_QUEUE;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  /** Spans that did not reach the collector. */
  get lost(): number {
    return this.#lost;
  }

  readonly add = (span: Span): void => {
    if (this.#queue.length >= this.#maxQueue) {
      this.#lost += 1;
      return;
    }
    this.#queue.push(span);
    if (this.#queue.length >= BATCH) void this.#send();
    else this.#sendLater();
  };

  /** Sends what is left; bounded by the limit of a request each. */
  async close(): Promise<void> {
    await this.#sending;
    await this.#send();
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#queue.length > 0) this.#sendLater();
    });
    return this.#sending;
  }

  #sendLater(): void {
    this.#timer ??= setTimeout(() => void this.#send(), this.#intervalMs).unref();
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH);
      try {
        await this.#post(batch);
        if (this.#failing) this.#options.log.info({ lost: this.#lost }, 'traces are sent again');
        this.#failing = false;
      } catch (error) {
        this.#lost += batch.length;
        if (!this.#failing) this.#options.log.warn({ url: this.#url, error: messageOf(error) }, 'traces are lost');
        this.#failing = true;
        return;
      }
    }
  }

  async #post(batch: readonly Span[]): Promise<void> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: otlpRequest(batch, this.#options.resource),
      signal: AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS),
      redirect: 'error',
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the collector answered ${response.status}`);
  }
}
