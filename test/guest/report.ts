/** What came of the run: each step's own last line in a table, what failed under it, and the closing line. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RESULTS, type Result, type Step } from './steps.js';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface StepReport {
  readonly step: Step;
  /** undefined: it was not run to its end. */
  readonly result: Result | undefined;
  readonly counts: Counts;
  readonly failures: readonly string[];
}

/** Of the directory that the guest has filled; a step without a result counts as one failure. */
export async function readReports(steps: readonly Step[], dir: string): Promise<StepReport[]> {
  const text = await readFile(join(dir, RESULTS), 'utf8').catch(() => '[]');
  const results = JSON.parse(text) as Result[];
  const reports = steps.map(async (step) => {
    const log = await readFile(join(dir, `${step.name}.log`), 'utf8').catch(() => '');
    return stepReport(
      step,
      results.find(({ name }) => name === step.name),
      log,
    );
  });
  return Promise.all(reports);
}

/** `log`: all that the step has printed. A step that ends badly has failed, whatever its last line says. */
export function stepReport(step: Step, result: Result | undefined, log: string): StepReport {
  const [, ...numbers] = [...log.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1) ?? [];
  const [passed = 0, failed = 0, skipped = 0] = numbers.map(Number);
  const isBad = result?.end !== 0 || numbers.length === 0;
  const failures = [...log.matchAll(/^(?:FAILED|LEFT BEHIND) .*$/gm)].map(([line]) => line);
  return { step, result, failures, counts: { passed, skipped, failed: isBad ? Math.max(failed, 1) : failed } };
}

/** Prints all of it; returns how many failed. */
export function printReports(reports: readonly StepReport[]): number {
  const rows = reports.map(({ step, result, counts }) => [
    step.what,
    ...[counts.passed, counts.failed, counts.skipped].map(String),
    result === undefined ? 'not run' : `${Math.floor(result.seconds / 60)} min ${result.seconds % 60} s`,
    result === undefined ? '' : String(result.end),
  ]);
  printTable(['in the guest', 'passed', 'failed', 'skipped', 'time', 'end'], rows);
  for (const { step, failures } of reports) {
    for (const failure of new Set(failures)) console.log(`[${step.name}] ${failure.slice(0, 1000)}`);
  }
  const total = (key: keyof Counts) => reports.reduce((sum, { counts }) => sum + counts[key], 0);
  console.log(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped`);
  return total('failed');
}

function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const print = (cells: readonly string[]) =>
    console.log(`| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  console.log('');
  print(heads);
  print(widths.map((width) => '-'.repeat(width)));
  for (const row of rows) print(row);
  console.log('');
}
