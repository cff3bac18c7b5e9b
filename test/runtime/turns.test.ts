import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTurn } from '../../runtime/turns.js';

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('work is done in its order, and other work of the event loop between', async () => {
  const order: string[] = [];
  const others = setInterval(() => order.push('other'), 1);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      inTurn(() => {
        order.push(String(index));
        busy(1);
      }),
    ),
  );
  clearInterval(others);
  const work = order.filter((entry) => entry !== 'other');
  assert.deepEqual(
    work,
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
  const runs = order.join(' ').split('other');
  assert.ok(runs.length > 5, order.join(' '));
});

test('what fails fails alone', async () => {
  const failed = inTurn(() => {
    throw new Error('this one');
  });
  const other = inTurn(() => 7);
  await assert.rejects(failed, /this one/);
  assert.equal(await other, 7);
  assert.equal(await inTurn(() => 8), 8);
});
