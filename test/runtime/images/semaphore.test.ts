import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Semaphore } from '../../../runtime/images/semaphore.js';

test('no more than so many at a time, in the order in which they came; a failure makes room too', async () => {
  const semaphore = new Semaphore(2);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const work = (index: number) => async () => {
    begun.push(index);
    running++;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    if (index % 3 === 0) throw new Error(`failure ${index}`);
    return index;
  };
  const all = Array.from({ length: 10 }, (_, index) => semaphore.run(work(index)));
  assert.equal(semaphore.idle, false);
  const ends = await Promise.allSettled(all);
  assert.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : String(end.reason))),
    Array.from({ length: 10 }, (_, index) => (index % 3 === 0 ? `Error: failure ${index}` : index)),
  );
  assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(most, 2);
  assert.equal(semaphore.idle, true);
});
