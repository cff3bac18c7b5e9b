/** Those who wait for one piece of work that is done once, whoever asks for it. */

export class Callers {
  readonly #controller = new AbortController();
  #waiting = 0;

  /** Fires, with the last one's reason, when all who waited have given up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** One more waits, until `signal` fires. */
  add(signal: AbortSignal): void {
    this.#waiting += 1;
    const leave = () => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#controller.abort(signal.reason);
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  }
}
