/** Reads ginkgo's JSON report, holds it against the failures that are expected, and prints what came of it. */
import { readFile } from 'node:fs/promises';

interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly State: string;
  readonly StartTime?: string;
  readonly EndTime?: string;
  readonly CapturedStdOutErr?: string;
  readonly Failure?: {
    readonly Message?: string;
    readonly ForwardedPanic?: string;
    readonly TimelineLocation?: { readonly Time?: string };
  };
}

export interface Spec {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly message: string;
  /** When it began, and when it failed, else ended: milliseconds since the epoch. */
  readonly began: number;
  readonly at: number;
  /** The last call that failed, as critest's client has logged it: a spec may take an error for the one that it expects. */
  readonly failedCall: string;
}

/** One line of expected-failures.txt: the spec's full name and why it fails. */
export interface Expected {
  readonly name: string;
  readonly reason: string;
}

/** The specs that were chosen; those that focus or skip left out have no message and are not counted. */
export async function readReport(file: string): Promise<Spec[]> {
  const suites: { SpecReports: readonly SpecReport[] | null }[] = JSON.parse(await readFile(file, 'utf8'));
  return suites.flatMap((suite) => suite.SpecReports ?? []).flatMap((spec) => specOf(spec) ?? []);
}

function specOf(spec: SpecReport): Spec | undefined {
  const message = [spec.Failure?.Message, spec.Failure?.ForwardedPanic].filter(Boolean).join(': ');
  const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(' ').trim() || spec.LeafNodeType;
  const at = Date.parse(spec.Failure?.TimelineLocation?.Time ?? spec.EndTime ?? '');
  const failedCall = (spec.CapturedStdOutErr ?? '').split('\n').findLast((line) => / failed" err="/.test(line)) ?? '';
  const facts = { name, message, began: Date.parse(spec.StartTime ?? ''), at, failedCall };
  if (spec.State === 'passed') return spec.LeafNodeType === 'It' ? { ...facts, state: 'passed' } : undefined;
  if (spec.State !== 'skipped' && spec.State !== 'pending') return { ...facts, state: 'failed' };
  return message === '' ? undefined : { ...facts, state: 'skipped' };
}

/** Lines are `NAME -- REASON`; `#` begins a comment. Throws on a line without a reason. */
export async function readExpected(file: string): Promise<Expected[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name, reason] = line.split(' -- ');
      if (name === undefined || reason === undefined) throw new Error(`${file}: no " -- REASON" in: ${line}`);
      return { name: name.trim(), reason: reason.trim() };
    });
}

/**
 * Prints every spec that did not pass, with its reason, and the closing line. An expected failure counts as skipped.
 * Returns how many failures nobody expected, plus `otherFailures`.
 */
export function printReport(specs: readonly Spec[], expected: readonly Expected[], otherFailures: number): number {
  const reasons = new Map(expected.map((line) => [line.name, line.reason]));
  const passed = specs.filter((spec) => spec.state === 'passed');
  const foreseen = specs.filter((spec) => spec.state === 'failed' && reasons.has(spec.name));
  const failed = specs.filter((spec) => spec.state === 'failed' && !reasons.has(spec.name));
  const skipped = specs.filter((spec) => spec.state === 'skipped');
  for (const spec of skipped) console.log(`skipped ${spec.name}: ${oneLine(spec.message)}`);
  for (const spec of foreseen) console.log(`expected failure ${spec.name}: ${reasons.get(spec.name)}`);
  for (const spec of passed) {
    if (reasons.has(spec.name)) console.log(`passes now, take it out of expected-failures.txt: ${spec.name}`);
  }
  for (const spec of failed) console.log(`FAILED ${spec.name}: ${oneLine(spec.message)}`);
  const failures = failed.length + otherFailures;
  console.log(`${passed.length} passed, ${failures} failed, ${skipped.length + foreseen.length} skipped`);
  return failures;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 600);
}
