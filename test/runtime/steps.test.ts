import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failWith, step, traceWith } from '../../runtime/steps.js';

const NAME = 'run-pod/record';

test('a step is told to the tracer while there is one, and done in any case', async () => {
  assert.equal(await step(NAME, async () => 1), 1);
  const told: string[] = [];
  traceWith((name, work) => {
    told.push(name);
    return work();
  });
  assert.equal(await step(NAME, async () => 2), 2);
  traceWith(undefined);
  assert.equal(await step(NAME, async () => 3), 3);
  assert.deepEqual(told, [NAME]);
});

test('a failpoint is inside of the span of its step, whichever of the two was set first', async () => {
  const order: string[] = [];
  failWith(async (name, work) => {
    order.push(`fail ${name}`);
    return work();
  });
  traceWith(async (name, work) => {
    order.push(`trace ${name}`);
    return work();
  });
  await step(NAME, async () => order.push('work'));
  traceWith(undefined);
  await step(NAME, async () => order.push('work'));
  failWith(undefined);
  await step(NAME, async () => order.push('work'));
  assert.deepEqual(order, [`trace ${NAME}`, `fail ${NAME}`, 'work', `fail ${NAME}`, 'work', 'work']);
});
