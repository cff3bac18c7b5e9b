/**
 * `npm test`: runs every test file below dist/test with node --test, prints what failed and what was left out with its
 * reason and which files took longest, and ends with `N passed, N failed, N skipped`. Conformance, cluster and bench are runs of their own.
 *   node dist/test/run.js [path-part …]   only files whose path holds one of the parts
 */
import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PATIENCE } from './support/patience.js';

const HERE = dirname(fileURLToPath(import.meta.url));
/** dist/ keeps what was built of sources that are gone; those are not run. */
const SOURCES = join(HERE, '..', '..', 'test');
/** Directories that hold no unit tests; what there is one all the same, some with Go's help, is named again. */
const APART = ['conformance', 'cluster'];
const UNITS = ['conformance/api', 'conformance/seccomp', 'conformance/kill', 'cluster/box'];
/** Two files at a time: machines have two cores. */
const CONCURRENCY = 2;
/** Tests that run pods or networks compare the whole host before and after: each of their files runs alone. */
const ALONE = ['sandbox/', 'cri/', 'churn/', 'demo/', 'failpoints/'];
/** By these they do: a file of those directories that reaches none of them, also not by what it imports, is like any other. */
const HOST_WIDE = [
  ...['node', 'server', 'daemon', 'leftovers', 'crun-room', 'process-sessions'].map((name) => `support/${name}.js`),
  'sandbox/network/support.js',
];
/** Limit of one test or file, in milliseconds; `npm run fuzz` (test/support/fuzz.ts) has a hundred times the work. */
const TIMEOUT_MS = (Number(process.env.CRIB_FUZZ_CASES ?? 0) > 1000 ? 3_600_000 : 180_000) * PATIENCE;
/** More files than this that fail are no accident: they are not run again. */
const MAX_AGAIN = 5;

interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly detail: string;
}

interface TestEvent {
  readonly name: string;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly nesting: number;
  readonly details: { readonly duration_ms: number; readonly type?: string | undefined; readonly error?: Error };
}

async function testFiles(): Promise<string[]> {
  const all = await readdir(HERE, { recursive: true });
  const parts = process.argv.slice(2);
  return all
    .filter((path) => path.endsWith('.test.js'))
    .filter((path) => !APART.some((dir) => path.startsWith(`${dir}/`)) || UNITS.some((dir) => path.startsWith(dir)))
    .filter((path) => parts.length === 0 || parts.some((part) => path.includes(part)))
    .filter((path) => existsSync(join(SOURCES, path.replace(/\.js$/, '.ts'))))
    .sort()
    .map((path) => join(HERE, path));
}

function runsAlone(file: string): boolean {
  const path = relative(HERE, file);
  if (!ALONE.some((directory) => path.startsWith(directory))) return false;
  const units = ['sandbox/', 'cri/'].some((directory) => path.startsWith(directory));
  return !units || reachesHost(file, new Set());
}

function reachesHost(file: string, seen: Set<string>): boolean {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  if (HOST_WIDE.includes(relative(HERE, file))) return true;
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g);
  return [...imports]
    .map((match) => join(dirname(file), match[1] ?? ''))
    .some((path) => !relative(HERE, path).startsWith('..') && reachesHost(path, seen));
}

function where(event: TestEvent): string {
  return event.file === undefined ? event.name : `${relative(HERE, event.file)}: ${event.name}`;
}

/** A suite fails when a test in it does; counting both would count one failure twice. */
function isOneOf(event: TestEvent): boolean {
  const cause: unknown = event.details.error?.cause;
  const subtests = event.details.error !== undefined && String(cause ?? '').includes('subtest');
  return event.details.type !== 'suite' && !subtests;
}

/** The failure inside the wrapper that node:test puts around it. */
function explain(error: Error | undefined): string {
  const cause: unknown = error?.cause;
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return cause === undefined ? (error?.stack ?? 'no reason given') : String(cause);
}

/** What runs of test files came to. */
class Results {
  passed = 0;
  readonly failed: Outcome[] = [];
  readonly skipped: Outcome[] = [];
  readonly output = new Map<string, string[]>();
  readonly times = new Map<string, number>();

  async run(files: string[], concurrency: number): Promise<void> {
    if (files.length === 0) return;
    const stream = run({ files, concurrency, timeout: TIMEOUT_MS });
    const keep = (event: { file?: string | undefined; message: string }) => this.#keep(event);
    stream.on('test:stdout', keep).on('test:stderr', keep);
    stream.on('test:pass', (event: TestEvent) => this.#pass(event));
    stream.on('test:fail', (event: TestEvent) => this.#fail(event));
    for await (const _ of stream);
  }

  #keep({ file = '', message }: { file?: string | undefined; message: string }): void {
    const said = this.output.get(file) ?? [];
    if (said.length < 200) said.push(message);
    this.output.set(file, said);
  }

  #pass(event: TestEvent): void {
    this.#time(event);
    const left = event.skip ?? event.todo;
    if (left === undefined || left === false) {
      if (isOneOf(event)) this.passed++;
      return;
    }
    const detail = left === true ? 'no reason given' : String(left) || 'no reason given';
    this.skipped.push({ name: where(event), file: event.file ?? '', detail });
  }

  #fail(event: TestEvent): void {
    this.#time(event);
    if (!isOneOf(event)) return;
    this.failed.push({ name: where(event), file: event.file ?? '', detail: explain(event.details.error) });
    console.log(`FAILED ${where(event)}: ${explain(event.details.error).split('\n', 1)[0]}`);
  }

  #time({ file = '', nesting, details }: TestEvent): void {
    if (nesting === 0) this.times.set(file, (this.times.get(file) ?? 0) + details.duration_ms);
  }
}

async function main(): Promise<number> {
  const files = await testFiles();
  if (files.length === 0) {
    console.error('test: no test file matches');
    return 1;
  }
  const alone = files.filter(runsAlone);
  const results = new Results();
  await results.run(
    files.filter((file) => !alone.includes(file)),
    CONCURRENCY,
  );
  await results.run(alone, 1);
  const unsteady = await runAgain(results.failed);
  const failed = results.failed.filter((outcome) => !unsteady.includes(outcome));
  const passed = results.passed + unsteady.length;
  for (const { name, detail } of unsteady) console.log(`\nUNSTEADY ${name}: passed when it was run again\n${detail}`);
  report(failed, results);
  const slowest = [...results.times].sort(([, a], [, b]) => b - a).slice(0, 5);
  for (const [file, ms] of slowest) console.log(`${(ms / 1000).toFixed(1)} s ${relative(HERE, file)}`);
  console.log(`${passed} passed, ${failed.length} failed, ${results.skipped.length} skipped`);
  return failed.length === 0 && passed > 0 ? 0 : 1;
}

/**
 * Runs the files of a few failures once more, each alone: what fails twice is broken. What passes then is told as
 * unsteady, with what went wrong: it is a defect to mend, but not one of the change under test.
 */
async function runAgain(failed: readonly Outcome[]): Promise<readonly Outcome[]> {
  const files = [...new Set(failed.map(({ file }) => file))];
  if (files.length === 0 || files.length > MAX_AGAIN) return [];
  console.log(`running again: ${files.map((file) => relative(HERE, file)).join(' ')}`);
  const again = new Results();
  await again.run(files, 1);
  const broken = new Set(again.failed.map(({ file }) => file));
  return failed.filter(({ file }) => !broken.has(file));
}

function report(failed: readonly Outcome[], { output, skipped }: Results): void {
  for (const { name, detail } of failed) console.log(`\nFAILED ${name}\n${detail}`);
  const files = new Set(failed.map(({ file }) => file));
  for (const [file, said] of output) {
    if (files.has(file)) console.log(`\noutput of ${relative(HERE, file)}:\n${said.join('')}`);
  }
  for (const { name, detail } of skipped) console.log(`skipped ${name}: ${detail}`);
}

process.exitCode = await main();
