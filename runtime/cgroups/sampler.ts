/** Statistics for list calls: each cgroup is read once a second at most, and CPU use comes from two readings. */

import type { CgroupStats, Cgroups } from './types.js';

export interface CgroupSample {
  readonly stats: CgroupStats;
  /** Billionths of a core in use between the last two readings; undefined until there are two. */
  readonly nanoCores: bigint | undefined;
}

interface Entry {
  /** process.hrtime in nanoseconds, of the reading. */
  readonly readAt: bigint;
  readonly sample: CgroupSample | undefined;
}

export interface SamplerOptions {
  /** How long a reading serves, milliseconds. */
  readonly maxAgeMs?: number;
  /** Cgroups remembered; the one read longest ago goes first. */
  readonly maxEntries?: number;
  /** Cgroups read at one time; each holds a few descriptors. */
  readonly concurrency?: number;
}

export class CgroupSampler {
  readonly #cgroups: Cgroups;
  readonly #maxAgeNs: bigint;
  readonly #maxEntries: number;
  readonly #concurrency: number;
  /** In the order of their reading, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #reading = new Map<string, Promise<CgroupSample | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(cgroups: Cgroups, options: SamplerOptions = {}) {
    this.#cgroups = cgroups;
    this.#maxAgeNs = BigInt(options.maxAgeMs ?? 1000) * 1_000_000n;
    this.#maxEntries = options.maxEntries ?? 8192;
    this.#concurrency = options.concurrency ?? 32;
  }

  /** The reading of the last second, or a new one. Calls at one time share it. undefined: there is no such cgroup. */
  statsCached(path: string): Promise<CgroupSample | undefined> {
    const entry = this.#entries.get(path);
    if (entry !== undefined && process.hrtime.bigint() - entry.readAt < this.#maxAgeNs) {
      return Promise.resolve(entry.sample);
    }
    const current = this.#reading.get(path);
    if (current !== undefined) return current;
    const reading = this.#read(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  /** Forgets a cgroup that was removed; one made later under its name starts anew. */
  forget(path: string): void {
    this.#entries.delete(path);
  }

  async #read(path: string): Promise<CgroupSample | undefined> {
    const stats = await this.#inTurn(() => this.#cgroups.stats(path));
    const readAt = process.hrtime.bigint();
    const previous = this.#entries.get(path);
    this.#entries.delete(path);
    if (stats === undefined) return undefined;
    const sample = { stats, nanoCores: nanoCores(previous, stats, readAt) };
    this.#entries.set(path, { readAt, sample });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries) break;
      this.#entries.delete(oldest);
    }
    return sample;
  }

  async #inTurn<T>(operation: () => Promise<T>): Promise<T> {
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

/** A counter that went back belongs to a cgroup that was made anew. */
function nanoCores(previous: Entry | undefined, stats: CgroupStats, readAt: bigint): bigint | undefined {
  if (previous?.sample === undefined) return undefined;
  const used = stats.cpuUsageNs - previous.sample.stats.cpuUsageNs;
  const elapsed = readAt - previous.readAt;
  if (used < 0n || elapsed <= 0n) return undefined;
  return (used * 1_000_000_000n) / elapsed;
}
