import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowNs } from '../../sandbox/clock.js';

test('two events keep their order, within one millisecond too, and the time is that of the wall', () => {
  const times = Array.from({ length: 1000 }, nowNs);
  for (const [index, time] of times.entries()) assert.ok(index === 0 || time >= (times[index - 1] ?? 0n));
  assert.ok(new Set(times).size > 100, 'finer than Date');
  const milliseconds = Number(nowNs() / 1_000_000n);
  assert.ok(Math.abs(milliseconds - Date.now()) < 1100);
});

test('a clock that was set is followed once it is more than a second away', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_600_000 });
  assert.equal(nowNs(), BigInt(Date.now()) * 1_000_000n);
  t.mock.timers.setTime(Date.now() - 2 * 3_600_000);
  assert.equal(nowNs(), BigInt(Date.now()) * 1_000_000n);
});
