/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util';
import { RIVALS, RUNTIMES, type Runtime } from './results.js';

/** What can be measured, in the order of the run. */
export const PARTS = ['lifecycle', 'parallel', 'exec', 'log', 'pull', 'many'] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  readonly parts: readonly Part[];
  /** How many pods run at once in `many`, one measurement each, rising. */
  readonly counts: readonly number[];
  /** Pods that the life cycle is measured on, for each runtime and PID mode. */
  readonly rounds: number;
  /** Pods at a time in `parallel`, one measurement each. */
  readonly widths: readonly number[];
  /** How often `parallel` and `log` are repeated. */
  readonly repeats: number;
  /** How many images of 181 MB are pulled. */
  readonly bigPulls: number;
  /** Where samples and summaries are written as JSON; empty: nowhere. */
  readonly json: string;
  /** The document whose generated block is replaced; empty: none. */
  readonly docs: string;
  /** Empty: crib and every other runtime that there is. */
  readonly against: readonly Runtime[];
}

export const USAGE = `usage: npm run bench -- [options]
  --only NAME[,NAME]   measure only: ${PARTS.join(', ')}
  --pods N             running pods of the largest measurement of \`many\`, after 10 and 100 (default 200)
  --rounds N           pods per runtime and PID mode in the life cycle (default 15)
  --quick              a few samples of everything, in two minutes
  --runtime NAME       measure one alone: ${RUNTIMES.join(', ')} (default: crib, and ${RIVALS.join(', ')} where they are)
  --json FILE          write every sample as JSON
  --docs FILE          replace the generated block of this document (docs/measurements.md)`;

const FEWER_PODS = [10, 100];

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ only: text, pods: text, rounds: text, json: text, docs: text, runtime: text },
      quick: { type: 'boolean' },
    },
  });
  const names = values.only?.split(',') ?? [...PARTS];
  const parts = PARTS.filter((part) => names.includes(part));
  if (parts.length !== names.length) throw new Error(USAGE);
  const { runtime, quick = false } = values;
  const against = RUNTIMES.filter((known) => known === runtime);
  if (runtime !== undefined && against.length === 0) throw new Error(USAGE);
  const pods = wholeNumber(values.pods, quick ? 10 : 200);
  return {
    parts,
    counts: [...FEWER_PODS.filter((fewer) => fewer < pods), pods],
    rounds: wholeNumber(values.rounds, quick ? 3 : 15),
    widths: quick ? [4] : [4, 16],
    repeats: quick ? 1 : 2,
    bigPulls: quick ? 1 : 3,
    json: values.json ?? '',
    docs: values.docs ?? '',
    against,
  };
}

function wholeNumber(text: string | undefined, byDefault: number): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(USAGE);
  return value;
}
