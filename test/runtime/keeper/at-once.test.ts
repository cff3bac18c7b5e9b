import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../../runtime/keeper/at-once.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('each is done once, in order, no more than so many at a time', async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await atOnce([...Array(20).keys()], 3, async (item) => {
    done.push(item);
    most = Math.max(most, ++running);
    for (let turns = item % 4; turns >= 0; turns--) await turn();
    running--;
  });
  assert.deepEqual(done, [...Array(20).keys()]);
  assert.deepEqual([most, running], [3, 0]);
  await atOnce([], 3, () => assert.fail());
});

test('after a failure no more are begun', async () => {
  const begun: number[] = [];
  const failed = atOnce([...Array(20).keys()], 2, async (item) => {
    begun.push(item);
    await turn();
    if (item === 3) throw new Error('the fourth');
  });
  await assert.rejects(failed, /the fourth/);
  await turn();
  await turn();
  assert.ok(begun.length <= 6, begun.join());
});
