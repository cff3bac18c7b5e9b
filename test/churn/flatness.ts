/** Whether the memory of cribd and the keeper stays where it is while pods come and go by the thousand. */

import type { Memory } from '../bench/processes.js';
import { quantile } from '../bench/statistics.js';

/** Memory after one pod more. */
export interface Sample {
  readonly cribd: Memory;
  readonly keeper: Memory;
}

/** Of all samples: those that come first are not judged (heaps grow to what they need), */
const WARM_UP = 1 / 8;
/** and the first of the rest are held against the last. Of 2,000 pods: 500 after 250. */
const WINDOW = 1 / 4;
/** As a part of what it was. */
const MAX_GROWTH = 0.05;

export interface Verdict {
  /** For people, one a process. */
  readonly lines: readonly string[];
  /** Those that have grown. */
  readonly failures: readonly string[];
}

/** Medians of resident memory decide: a single sample may be taken before a collection of garbage or after it. */
export function judge(samples: readonly Sample[]): Verdict {
  const skipped = Math.floor(samples.length * WARM_UP);
  const window = Math.max(1, Math.floor(samples.length * WINDOW));
  const first = samples.slice(skipped, skipped + window);
  const last = samples.slice(-window);
  const lines: string[] = [];
  const failures: string[] = [];
  for (const process of ['cribd', 'keeper'] as const) {
    const of = (part: readonly Sample[], kind: keyof Memory) =>
      quantile(
        part.map((sample) => sample[process][kind]),
        0.5,
      );
    const growth = of(last, 'rss') / of(first, 'rss') - 1;
    const percent = `${growth < 0 ? '' : '+'}${(growth * 100).toFixed(1)} %`;
    const words = (part: readonly Sample[]) => `${of(part, 'rss').toFixed(1)} MB (PSS ${of(part, 'pss').toFixed(1)})`;
    const line = `${process}: ${words(first)} over ${window} pods after ${skipped}, ${words(last)} over the last ${window}: ${percent}`;
    lines.push(`${line}, ${growth > MAX_GROWTH ? 'NOT FLAT' : 'flat'}`);
    if (growth > MAX_GROWTH) failures.push(`memory grows by more than ${MAX_GROWTH * 100} %: ${line}`);
  }
  return { lines, failures };
}
