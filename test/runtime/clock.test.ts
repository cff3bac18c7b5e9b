import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowNs } from '../../runtime/clock.js';

test('it is the time of the wall clock, in steps finer than its milliseconds, and does not go back', () => {
  let last = 0n;
  const fractions = new Set<bigint>();
  for (let i = 0; i < 2000; i++) {
    const before = BigInt(Date.now()) * 1_000_000n;
    const now = nowNs();
    const after = BigInt(Date.now()) * 1_000_000n;
    assert.ok(now >= before - 3_000_000n && now <= after + 3_000_000n);
    assert.ok(now >= last);
    last = now;
    fractions.add(now % 1_000_000n);
  }
  assert.ok(fractions.size > 10, 'nanoseconds, not milliseconds with zeros');
});

test('a wall clock that was stepped is followed at once, either way', (t) => {
  const real = Date.now;
  t.after(() => {
    Date.now = real;
    nowNs();
  });
  for (const step of [3_600_000, -3_600_000, 500, -500]) {
    Date.now = () => real() + step;
    assert.ok(Math.abs(Number(nowNs() / 1_000_000n) - (real() + step)) < 100);
  }
});

test('a pause between the readings of the two clocks does not set it back', (t) => {
  const { hrtime } = process;
  t.after(() => {
    process.hrtime = hrtime;
  });
  nowNs();
  const paused = () => {
    for (const end = hrtime.bigint() + 20_000_000n; hrtime.bigint() < end; );
    return hrtime.bigint();
  };
  process.hrtime = Object.assign(() => hrtime(), { bigint: paused });
  for (let last = nowNs(), left = 5; left > 0; left--) {
    const now = nowNs();
    assert.ok(now - last >= 19_000_000n, `${now - last} ns`);
    last = now;
  }
});
