import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allDone } from '../../runtime/all-done.js';

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
