/**
 * Who may write now. Log writes go through libuv's few threads: a disk that hangs may hold only some of them, so that
 * logs on other disks, and the keeper's own records, go on.
 */

/** Of the 16 threads that the keeper is started with (UV_THREADPOOL_SIZE). */
const WRITES_AT_ONCE = 12;
const WRITES_PER_DEVICE = 4;

interface Waiting {
  readonly device: number;
  readonly start: () => void;
}

export class WriteSlots {
  readonly #active = new Map<number, number>();
  #total = 0;
  #waiting: Waiting[] = [];

  /** Calls `start`, at once or when its turn comes; the caller gives back with `release`. First come, first served. */
  acquire(device: number, start: () => void): void {
    if (!this.#free(device)) {
      this.#waiting.push({ device, start });
      return;
    }
    this.#take(device);
    start();
  }

  release(device: number): void {
    this.#total--;
    const left = (this.#active.get(device) ?? 1) - 1;
    if (left === 0) this.#active.delete(device);
    else this.#active.set(device, left);
    const index = this.#waiting.findIndex((waiting) => this.#free(waiting.device));
    if (index < 0) return;
    const [next] = this.#waiting.splice(index, 1);
    if (next === undefined) return;
    this.#take(next.device);
    next.start();
  }

  #free(device: number): boolean {
    return this.#total < WRITES_AT_ONCE && (this.#active.get(device) ?? 0) < WRITES_PER_DEVICE;
  }

  #take(device: number): void {
    this.#total++;
    this.#active.set(device, (this.#active.get(device) ?? 0) + 1);
  }
}

/** The keeper has one; libuv's threads belong to the process. */
export const writeSlots = new WriteSlots();
