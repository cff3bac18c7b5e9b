import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Semaphore } from '../../runtime/semaphore.js';

test('so many are at work at a time, the others in the order in which they came; a failure gives its place on', async () => {
  const slots = new Semaphore(2);
  const began: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) =>
    slots.run(async () => {
      began.push(number);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (number === 1) throw new Error('it failed');
    });
  const all = [1, 2, 3, 4].map(work);
  const first = assert.rejects(all[0] ?? Promise.resolve(), /it failed/);
  assert.deepEqual([began, slots.idle], [[1, 2], false]);
  ends[0]?.();
  await first;
  assert.deepEqual(began, [1, 2, 3]);
  for (let index = 1; index < 4; index += 1) {
    ends[index]?.();
    await all[index];
  }
  assert.deepEqual([began, slots.idle], [[1, 2, 3, 4], true]);
});
