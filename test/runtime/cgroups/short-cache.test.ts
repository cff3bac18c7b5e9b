import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ShortCache } from '../../../runtime/cgroups/short-cache.js';
import { PATIENCE } from '../../support/patience.js';

const AGE_MS = 50 * PATIENCE;

test('a reading serves for its time, calls at one time share one, and the next is given the one before', async () => {
  const given: (number | undefined)[] = [];
  const cache = new ShortCache<number>(
    async (_path, previous) => {
      given.push(previous?.value);
      await delay(5);
      return given.length;
    },
    { maxAgeMs: AGE_MS },
  );
  assert.deepEqual(await Promise.all([cache.get('a'), cache.get('a')]), [1, 1]);
  assert.equal(await cache.get('a'), 1);
  await delay(AGE_MS + 10);
  assert.equal(await cache.get('a'), 2);
  assert.deepEqual(given, [undefined, 1]);
});

test('what is not there is not remembered, and a failure is not either', async () => {
  let reads = 0;
  const cache = new ShortCache<number>(async (path) => {
    reads += 1;
    if (path === 'bad') throw new Error('cannot');
    return undefined;
  });
  assert.equal(await cache.get('none'), undefined);
  assert.equal(await cache.get('none'), undefined);
  await assert.rejects(cache.get('bad'), /cannot/);
  await assert.rejects(cache.get('bad'), /cannot/);
  assert.equal(reads, 4);
});

test('forgets what it is told to, and all that is not to be retained', async () => {
  let reads = 0;
  const cache = new ShortCache<number>(async () => ++reads);
  for (const path of ['a', 'b', 'c']) await cache.get(path);
  cache.forget('a');
  cache.retain(new Set(['b']));
  await cache.get('b');
  assert.equal(reads, 3);
  await cache.get('a');
  await cache.get('c');
  assert.equal(reads, 5);
});
