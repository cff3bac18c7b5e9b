/**
 * Property tests: `it('never …', fuzzed(values, check))`, with 1,000 random inputs in `npm test` and 100,000 in
 * `npm run fuzz` (CRIB_FUZZ_CASES says how many), which runs the files that end in `-property.test.ts`. A failure prints
 * the smallest input that fails and a seed; CRIB_FUZZ_SEED repeats the run. An input that takes longer than STALL_MS is
 * a hang: the process ends, with the seed.
 */

import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { CribError, type ErrorCode } from '../../runtime/errors.js';

const CASES = Number(process.env.CRIB_FUZZ_CASES ?? 1000);

/** Milliseconds without an input finished: far more than any takes on a machine that others use too. */
const STALL_MS = 30_000;

/** With more than this share of the inputs refused, a property says next to nothing. */
const MAX_REFUSED = 0.95;

/** Thrown by `accepted`: the input was refused as it should be, and there is nothing more to look at. */
class Refused extends Error {}

/** The body of a test: `check` throws for no value of `values`. A promise that it returns is awaited. */
export function fuzzed<T>(values: fc.Arbitrary<T>, check: (value: T) => void | Promise<void>): () => Promise<void> {
  const seed = Number(process.env.CRIB_FUZZ_SEED ?? Date.now() & 0x7fff_ffff);
  return async () => {
    const progress = new Int32Array(new SharedArrayBuffer(4));
    const watchdog = watch(progress, `a property hangs with CRIB_FUZZ_SEED=${seed} CRIB_FUZZ_CASES=${CASES}`);
    let refused = 0;
    const property = fc.asyncProperty(values, async (value) => {
      Atomics.add(progress, 0, 1);
      try {
        await check(value);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refused++;
      }
    });
    try {
      await fc.assert(property, { numRuns: CASES, seed, includeErrorInReport: true });
    } finally {
      await watchdog.terminate();
    }
    assert.ok(refused <= CASES * MAX_REFUSED, `${refused} of ${CASES} inputs were refused`);
  };
}

/** What `work` returns. Where it throws a CribError of one of `codes`, this input ends here; anything else fails the test. */
export function accepted<T>(codes: readonly ErrorCode[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    const told = error instanceof CribError && codes.includes(error.code) && error.message !== '';
    assert.ok(told, `threw ${error instanceof Error ? error.stack : String(error)}`);
    throw new Refused(error.message);
  }
}

/** A thread of its own, for a test that hangs no longer runs timers. */
function watch(progress: Int32Array, message: string): Worker {
  const body = `
    const { workerData } = require('node:worker_threads');
    const { progress, message, stallMs } = workerData;
    let last = -1;
    setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now === last) {
        require('node:fs').writeSync(2, message + ', at input ' + now + '\\n');
        process.kill(process.pid, 'SIGKILL');
      }
      last = now;
    }, stallMs);`;
  const worker = new Worker(body, { eval: true, workerData: { progress, message, stallMs: STALL_MS } });
  worker.unref();
  return worker;
}
