/** The few numbers that a series of samples is told by. */

export interface Summary {
  readonly median: number;
  readonly p90: number;
  readonly n: number;
}

/** Linear interpolation between the two nearest samples. NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function summarize(samples: readonly number[]): Summary {
  return { median: quantile(samples, 0.5), p90: quantile(samples, 0.9), n: samples.length };
}

/**
 * Median of the ratios of samples that were taken one right after the other: what slows the machine for a while slows
 * both, and falls out. Undefined when the series are not of one length, or theirs has a 0 in it.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number | undefined {
  if (ours.length === 0 || ours.length !== theirs.length || theirs.includes(0)) return undefined;
  return quantile(
    ours.map((value, index) => value / (theirs[index] ?? Number.NaN)),
    0.5,
  );
}
