import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost } from '../../runtime/at-most.js';

test('work that ends in time, that does not, that fails', async () => {
  assert.equal(await atMost(Promise.resolve('done'), 60_000), true);
  assert.equal(await atMost(new Promise(() => undefined), 1), false);
  await assert.rejects(atMost(Promise.reject(new Error('failed')), 60_000), { message: 'failed' });
});

test('a failure that comes too late disturbs nobody', async () => {
  const failing = new Promise((_, reject) => setTimeout(reject, 20, new Error('late')));
  assert.equal(await atMost(failing, 1), false);
  await new Promise((resolve) => setTimeout(resolve, 40));
});
