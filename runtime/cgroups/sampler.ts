/** Statistics for list calls: each cgroup is read once a second at most, and CPU use comes from two readings. */

import { type Reading, ShortCache, type ShortCacheOptions } from './short-cache.js';
import type { CgroupDetails, CgroupStats, Cgroups } from './types.js';

export interface CgroupSample {
  readonly stats: CgroupStats;
  /** Billionths of a core in use between the last two readings; undefined until there are two. */
  readonly nanoCores: bigint | undefined;
}

export class CgroupSampler {
  readonly #samples: ShortCache<CgroupSample>;
  readonly #details: ShortCache<CgroupDetails>;

  constructor(cgroups: Cgroups, options: ShortCacheOptions = {}) {
    this.#samples = new ShortCache((path, previous) => sample(cgroups, path, previous), options);
    this.#details = new ShortCache((path) => cgroups.details(path), options);
  }

  /** The reading of the last second, or a new one. undefined: there is no such cgroup. */
  statsCached(path: string): Promise<CgroupSample | undefined> {
    return this.#samples.get(path);
  }

  /** As statsCached, for what only a monitoring system asks. */
  detailsCached(path: string): Promise<CgroupDetails | undefined> {
    return this.#details.get(path);
  }

  /** Forgets a cgroup that was removed; one made later under its name starts anew. */
  forget(path: string): void {
    this.#samples.forget(path);
    this.#details.forget(path);
  }
}

async function sample(
  cgroups: Cgroups,
  path: string,
  previous: Reading<CgroupSample> | undefined,
): Promise<CgroupSample | undefined> {
  const stats = await cgroups.stats(path);
  return stats === undefined ? undefined : { stats, nanoCores: nanoCores(previous, stats, process.hrtime.bigint()) };
}

/** Cores in use since the reading before. A counter that went back belongs to a cgroup that was made anew. */
export function nanoCores(
  previous: Reading<CgroupSample> | undefined,
  stats: CgroupStats,
  readAt: bigint,
): bigint | undefined {
  if (previous === undefined) return undefined;
  const used = stats.cpuUsageNs - previous.value.stats.cpuUsageNs;
  const elapsed = readAt - previous.readAt;
  if (used < 0n || elapsed <= 0n) return undefined;
  return (used * 1_000_000_000n) / elapsed;
}
