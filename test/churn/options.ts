/** The command line of `npm run churn`. */

import { parseArgs } from 'node:util';

export interface ChurnOptions {
  /** Pods of each phase. */
  readonly pods: number;
  /** Pods at a time. */
  readonly parallel: number;
  /** `kill -9` of cribd while pods come and go. */
  readonly kills: number;
  /** `kill -9` of the keeper while pods come and go. */
  readonly keeperKills: number;
  /** `kill -9` of cribd and the keeper at once, while pods come and go. */
  readonly bothKills: number;
  /** `kill -9` of cribd while an image is pulled. */
  readonly pullKills: number;
  /** Memory is watched over the pods of the plain phase, and must not grow. */
  readonly flat: boolean;
  /** Of everything random: shapes of pods, moments of kills. */
  readonly seed: number;
  /** Leave the directory of a run that failed, to be looked at. */
  readonly keep: boolean;
}

export const USAGE = `usage: npm run churn -- [options]
  --pods N           pods in each phase (default 200); a phase goes on until its kills are done too
  --parallel N       pods at a time (default 4)
  --kills N          kill -9 of cribd at random moments (default 200)
  --keeper-kills N   kill -9 of the keeper at random moments (default 0)
  --both-kills N     kill -9 of both at once at random moments (default 0)
  --pull-kills N     kill -9 of cribd while an image is pulled (default 0)
  --flat             watch the memory of cribd and the keeper: it must not grow by 5 %; no kills unless they are asked for
  --seed N           repeat the random choices of an earlier run, which printed it
  --keep             leave the directory of a run that failed`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): ChurnOptions {
  const text = { type: 'string' } as const;
  const names = ['pods', 'parallel', 'kills', 'keeper-kills', 'both-kills', 'pull-kills', 'seed'] as const;
  const options = Object.fromEntries(names.map((name) => [name, text])) as Record<(typeof names)[number], typeof text>;
  const { values } = parseArgs({ args, options: { ...options, keep: { type: 'boolean' }, flat: { type: 'boolean' } } });
  return {
    pods: wholeNumber(values.pods, 200, 1),
    parallel: wholeNumber(values.parallel, 4, 1),
    kills: wholeNumber(values.kills, values.flat === true ? 0 : 200, 0),
    keeperKills: wholeNumber(values['keeper-kills'], 0, 0),
    bothKills: wholeNumber(values['both-kills'], 0, 0),
    pullKills: wholeNumber(values['pull-kills'], 0, 0),
    seed: wholeNumber(values.seed, Math.floor(Math.random() * 2 ** 31), 0),
    flat: values.flat === true,
    keep: values.keep === true,
  };
}

function wholeNumber(text: string | undefined, byDefault: number, least: number): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(USAGE);
  return value;
}
