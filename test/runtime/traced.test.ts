import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traced, traceWith } from '../../runtime/traced.js';

test('a step is told to the tracer while there is one, and done in any case', async () => {
  assert.equal(await traced('before', async () => 1), 1);
  const told: string[] = [];
  traceWith((name, work) => {
    told.push(name);
    return work();
  });
  assert.equal(await traced('during', async () => 2), 2);
  traceWith(undefined);
  assert.equal(await traced('after', async () => 3), 3);
  assert.deepEqual(told, ['during']);
});
