import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Holds } from '../../../runtime/images/holds.js';

test('a name is held as long as any of those who hold it is at work, however they end', async () => {
  const holds = new Holds();
  const ends: (() => void)[] = [];
  const waits = () => new Promise<void>((resolve) => ends.push(resolve));
  const first = holds.during(['a', 'b', 'a'], waits);
  const second = holds.during(['b'], async () => {
    await waits();
    throw new Error('it failed');
  });
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => holds.has(name)),
    [true, true, false],
  );
  ends[0]?.();
  await first;
  assert.deepEqual([holds.has('a'), holds.has('b')], [false, true]);
  ends[1]?.();
  await assert.rejects(second, /it failed/);
  assert.equal(holds.has('b'), false);
  assert.equal(await holds.during(['a'], async () => holds.has('a')), true);
  await assert.rejects(
    holds.during(['a'], () => {
      throw new Error('at once');
    }),
  );
  assert.equal(holds.has('a'), false);
});
