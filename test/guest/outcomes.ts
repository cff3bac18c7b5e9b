/** Lines of checks that run one after the other, and the closing line. */

export interface CheckOutcome {
  readonly name: string;
  readonly seconds: number;
  /** Why it failed; empty: it did not. */
  readonly detail: string;
}

export function tellOutcome({ name, seconds, detail }: CheckOutcome): void {
  const word = detail === '' ? 'passed' : 'FAILED';
  console.log(`${word} ${name} (${seconds.toFixed(1)} s)${detail === '' ? '' : `: ${detail.replace(/\s+/g, ' ')}`}`);
}

/** Returns how many failed. */
export function printReport(outcomes: readonly CheckOutcome[]): number {
  const failed = outcomes.filter(({ detail }) => detail !== '').length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed;
}
