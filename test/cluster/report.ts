/** What ran with each pod lifecycle event generator, side by side, and the closing line that CI adds up. */

import type { Outcome } from './check.js';
import type { Pleg } from './options.js';

export type Results = ReadonlyMap<Pleg, readonly Outcome[]>;

/** One line as soon as a check has ended. */
export function tellOutcome(pleg: Pleg, { name, state, seconds, detail }: Outcome): void {
  const word = state === 'failed' ? 'FAILED' : state;
  console.log(`${word} [${pleg}] ${name} (${seconds.toFixed(1)} s)${detail === '' ? '' : `: ${oneLine(detail)}`}`);
}

/** Prints the table and the closing line; returns how many checks failed. */
export function printReport(results: Results): number {
  const plegs = [...results.keys()];
  const names = [...new Set([...results.values()].flatMap((list) => list.map(({ name }) => name)))];
  const width = Math.max(...names.map((name) => name.length), 'check'.length);
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const heads = plegs.map((pleg) => pleg.padEnd(CELL));
  console.log(`\n${row(['check'.padEnd(width), ...heads])}`);
  console.log(row(['-'.repeat(width), ...plegs.map(() => '-'.repeat(CELL))]));
  for (const name of names) {
    const cells = plegs.map((pleg) => cell(results.get(pleg)?.find((outcome) => outcome.name === name)));
    console.log(row([name.padEnd(width), ...cells]));
  }
  const all = [...results.values()].flat();
  const count = (state: Outcome['state']) => all.filter((outcome) => outcome.state === state).length;
  console.log(`\n${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  return count('failed');
}

const CELL = 16;

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not run'.padEnd(CELL);
  const { state, seconds } = outcome;
  return `${state === 'failed' ? 'FAILED' : state} ${`${seconds.toFixed(1)} s`.padStart(CELL - 7)}`.padEnd(CELL);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 3000);
}
