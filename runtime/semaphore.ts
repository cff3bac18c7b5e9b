/** At most so many at a time; the others wait their turn. */
export class Semaphore {
  readonly #size: number;
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
    this.#free = size;
  }

  /** Nobody is at work or waits. */
  get idle(): boolean {
    return this.#free === this.#size;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
