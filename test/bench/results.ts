/** What was measured: series of samples, by measure and by who was measured. */

import { pairedRatio, type Summary, summarize } from './statistics.js';

/** What crib is measured beside. */
export const RIVALS = ['containerd', 'crio'] as const;
export type Rival = (typeof RIVALS)[number];
export const RUNTIMES = ['crib', ...RIVALS] as const;
export type Runtime = (typeof RUNTIMES)[number];
/** `bare`: the OCI runtime called by hand, without a CRI runtime around it. */
export type Side = Runtime | 'bare';
export type Unit = 'ms' | 's' | 'MB' | 'MB/s' | 'pods/s';

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly unit: Unit;
  readonly sides: Readonly<Partial<Record<Side, Summary>>>;
  /** crib's samples over those of each rival that there are any of: in pairs, else median over median. */
  readonly ratios: Readonly<Partial<Record<Rival, number>>>;
}

interface Series {
  readonly group: string;
  readonly name: string;
  readonly unit: Unit;
  readonly samples: Partial<Record<Side, number[]>>;
}

/** Rows appear in the order in which their first sample came. */
export class Results {
  readonly #series = new Map<string, Series>();
  readonly notes: string[] = [];

  add(group: string, name: string, unit: Unit, side: Side, sample: number): void {
    const key = `${group}\0${name}`;
    const series = this.#series.get(key) ?? { group, name, unit, samples: {} };
    this.#series.set(key, series);
    const samples = series.samples[side] ?? [];
    samples.push(sample);
    series.samples[side] = samples;
  }

  /** Something that a reader of the numbers must know: what could not be measured and why. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  rows(): Row[] {
    return [...this.#series.values()].map(({ group, name, unit, samples }) => {
      const sides: Partial<Record<Side, Summary>> = {};
      for (const [side, values] of Object.entries(samples)) sides[side as Side] = summarize(values);
      return { group, name, unit, sides, ratios: ratiosOf(samples, sides) };
    });
  }

  /** Every sample, for --json. */
  samples(): object[] {
    return [...this.#series.values()];
  }
}

function ratiosOf(samples: Series['samples'], sides: Row['sides']): Row['ratios'] {
  const ratios: Partial<Record<Rival, number>> = {};
  for (const rival of RIVALS) {
    const [ours, theirs] = [sides.crib?.median, sides[rival]?.median];
    const inPairs = pairedRatio(samples.crib ?? [], samples[rival] ?? []);
    const ofMedians = ours === undefined || !theirs ? undefined : ours / theirs;
    const ratio = inPairs ?? ofMedians;
    if (ratio !== undefined) ratios[rival] = ratio;
  }
  return ratios;
}

/** Milliseconds that `work` takes, and what it gives. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const begin = performance.now();
  const value = await work();
  return { ms: performance.now() - begin, value };
}
