import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allDone, atOnce } from '../../runtime/all-done.js';

test('the first failure is thrown, once everything has ended', async () => {
  const ended: string[] = [];
  const after = async (turns: number, name: string, failure?: Error) => {
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    ended.push(name);
    if (failure !== undefined) throw failure;
  };
  const work = [after(3, 'slow'), after(1, 'fails', new Error('first')), after(2, 'fails later', new Error('second'))];
  await assert.rejects(allDone(work), { message: 'first' });
  assert.deepEqual(ended, ['fails', 'fails later', 'slow']);
  await allDone([]);
});

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

test('after a failure no more are begun, and those at work are waited for', async () => {
  const [begun, ended]: [number[], number[]] = [[], []];
  const failed = atOnce([...Array(20).keys()], 2, async (item) => {
    begun.push(item);
    await turn();
    if (item === 3) throw new Error('the fourth');
    for (let turns = 0; turns < 5; turns++) await turn();
    ended.push(item);
  });
  await assert.rejects(failed, /the fourth/);
  assert.deepEqual(
    ended,
    begun.filter((item) => item !== 3),
  );
  assert.ok(begun.length <= 6, begun.join());
});
