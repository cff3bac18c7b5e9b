/** Readings by path that serve for a moment: calls at one time share one, and so many are made at a time. */

export interface ShortCacheOptions {
  /** How long a reading serves, milliseconds. */
  readonly maxAgeMs?: number;
  /** Readings remembered; the one made longest ago goes first. */
  readonly maxEntries?: number;
  /** Readings made at one time; each holds a few descriptors. */
  readonly concurrency?: number;
}

export interface Reading<T> {
  /** process.hrtime in nanoseconds. */
  readonly readAt: bigint;
  readonly value: T;
}

type Read<T> = (path: string, previous: Reading<T> | undefined) => Promise<T | undefined>;

export class ShortCache<T> {
  readonly #read: Read<T>;
  readonly #maxAgeNs: bigint;
  readonly #maxEntries: number;
  readonly #concurrency: number;
  /** In the order of their reading, oldest first. */
  readonly #readings = new Map<string, Reading<T>>();
  readonly #inProgress = new Map<string, Promise<T | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  /** `read` is given the reading before; undefined from it says that there is nothing, and nothing is remembered. */
  constructor(read: Read<T>, options: ShortCacheOptions = {}) {
    this.#read = read;
    this.#maxAgeNs = BigInt(options.maxAgeMs ?? 1000) * 1_000_000n;
    this.#maxEntries = options.maxEntries ?? 8192;
    this.#concurrency = options.concurrency ?? 32;
  }

  get(path: string): Promise<T | undefined> {
    const reading = this.#readings.get(path);
    if (reading !== undefined && process.hrtime.bigint() - reading.readAt < this.#maxAgeNs) {
      return Promise.resolve(reading.value);
    }
    const current = this.#inProgress.get(path);
    if (current !== undefined) return current;
    const made = this.#make(path).finally(() => this.#inProgress.delete(path));
    this.#inProgress.set(path, made);
    return made;
  }

  forget(path: string): void {
    this.#readings.delete(path);
  }

  /** Forgets all other paths. */
  retain(paths: ReadonlySet<string>): void {
    for (const path of this.#readings.keys()) if (!paths.has(path)) this.#readings.delete(path);
  }

  async #make(path: string): Promise<T | undefined> {
    const value = await this.#inTurn(() => this.#read(path, this.#readings.get(path)));
    this.#readings.delete(path);
    if (value === undefined) return undefined;
    this.#readings.set(path, { readAt: process.hrtime.bigint(), value });
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size <= this.#maxEntries) break;
      this.#readings.delete(oldest);
    }
    return value;
  }

  async #inTurn<R>(operation: () => Promise<R>): Promise<R> {
    if (this.#active >= this.#concurrency) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active++;
    try {
      return await operation();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#active--;
      else next();
    }
  }
}
