/** Operations that must not overlap: one after the other, in the order in which they came. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `operation` when all earlier ones have settled; the next one waits for this one, failed or not. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(operation);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
