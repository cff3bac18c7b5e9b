import assert from 'node:assert/strict';
import test from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { forgetWhenEnded } from '../../../runtime/keeper/forget.js';
import { withKeeper } from './harness.js';

test('what was just killed is forgotten as soon as it is reaped', { timeout: 60_000 }, async () => {
  await withKeeper(async ({ client, spec }) => {
    for (let round = 0; round < 5; round++) {
      await client.create(spec('c', { script: 'exec sleep 60' }));
      await client.signal('c', 9);
      await forgetWhenEnded(client, 'c');
      assert.deepEqual(await client.list(), []);
    }
  });
});

test('any other refusal is passed on at once', async () => {
  let calls = 0;
  const keeper = {
    forget: async () => {
      calls++;
      throw new CribError('UNAVAILABLE', 'gone');
    },
  };
  await assert.rejects(forgetWhenEnded(keeper, 'c'), { code: 'UNAVAILABLE' });
  assert.equal(calls, 1);
});
