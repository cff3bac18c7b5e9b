/** What must not be swept although no image has it yet: the blobs and layers of pulls under way. */
export class Holds {
  readonly #counts = new Map<string, number>();

  /** Holds digests and chain ids while `work` runs. */
  async during<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const name of names) this.#release(name);
    }
  }

  has(name: string): boolean {
    return this.#counts.has(name);
  }

  #release(name: string): void {
    const count = (this.#counts.get(name) ?? 0) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }
}
