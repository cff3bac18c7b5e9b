/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util';

/** What can be measured, in the order of the run. */
export const PARTS = ['lifecycle', 'parallel', 'exec', 'log', 'pull', 'density'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  /** Running pods of the larger density measurement. */
  readonly pods: number;
  /** Pods that the life cycle is measured on, for each runtime and PID mode. */
  readonly rounds: number;
  /** Where samples and summaries are written as JSON; empty: nowhere. */
  readonly json: string;
  /** The document whose generated block is replaced; empty: none. */
  readonly docs: string;
  readonly against: readonly ('crib' | 'containerd')[];
}

export const USAGE = `usage: npm run bench -- [options]
  --only NAME[,NAME]   measure only: ${PARTS.join(', ')}
  --pods N             running pods of the larger density measurement (default 200)
  --rounds N           pods per runtime and PID mode in the life cycle (default 15)
  --runtime NAME       measure crib or containerd alone (default: both in turn)
  --json FILE          write every sample as JSON
  --docs FILE          replace the generated block of this document (docs/measurements.md)`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { only: text, pods: text, rounds: text, json: text, docs: text, runtime: text },
  });
  const names = values.only?.split(',') ?? [...PARTS];
  const parts = PARTS.filter((part) => names.includes(part));
  if (parts.length !== names.length) throw new Error(USAGE);
  const { runtime } = values;
  if (runtime !== undefined && runtime !== 'crib' && runtime !== 'containerd') throw new Error(USAGE);
  return {
    parts,
    pods: wholeNumber(values.pods, 200),
    rounds: wholeNumber(values.rounds, 15),
    json: values.json ?? '',
    docs: values.docs ?? '',
    against: runtime === undefined ? ['crib', 'containerd'] : [runtime],
  };
}

function wholeNumber(text: string | undefined, byDefault: number): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(USAGE);
  return value;
}
