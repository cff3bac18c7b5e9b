import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepReport } from './report.js';
import type { Step } from './steps.js';

const STEP: Step = { name: 'one', what: 'one', command: [], limitMinutes: 1 };
const LOG = 'FAILED a: why\n3 passed, 1 failed, 0 skipped\nLEFT BEHIND mount /x\n7 passed, 2 failed, 4 skipped\n';

test('the last line of a step counts, and what has failed is named', () => {
  const { counts, failures } = stepReport(STEP, { name: 'one', seconds: 1, end: 1 }, LOG);
  assert.deepEqual(counts, { passed: 7, failed: 2, skipped: 4 });
  assert.deepEqual(failures, ['FAILED a: why', 'LEFT BEHIND mount /x']);
});

test('a step that ends badly, says nothing or was not run has failed', () => {
  const good = '7 passed, 0 failed, 4 skipped\n';
  const failed = (end: number | string | undefined, log: string) => {
    const result = end === undefined ? undefined : { name: 'one', seconds: 1, end };
    return stepReport(STEP, result, log).counts.failed;
  };
  assert.deepEqual([failed(0, good), failed(1, good), failed('SIGKILL', good)], [0, 1, 1]);
  assert.deepEqual([failed(0, ''), failed(undefined, good), failed(undefined, '')], [1, 1, 1]);
});
