import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowNs, STAMP_BYTES, writeStamp } from '../../../runtime/keeper/clock.js';

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
  for (const step of [3_600_000, -3_600_000]) {
    Date.now = () => real() + step;
    assert.ok(Math.abs(Number(nowNs() / 1_000_000n) - (real() + step)) < 100);
  }
});

test('a stamp has nine digits, zeros in front too, lies where it is put, and is right over the turn of a second', (t) => {
  const { hrtime } = process;
  const real = Date.now;
  let wall = 1_700_000_000_000;
  t.after(() => {
    Date.now = real;
    process.hrtime = hrtime;
  });
  Date.now = () => wall;
  process.hrtime = Object.assign(() => hrtime(), { bigint: () => BigInt(wall) * 1_000_000n + 42n });
  for (const [at, stamp] of [
    [1_700_000_000_000, '2023-11-14T22:13:20.000000042Z'],
    [1_700_000_000_999, '2023-11-14T22:13:20.999000042Z'],
    [1_700_000_001_001, '2023-11-14T22:13:21.001000042Z'],
    [1_800_000_000_000, '2027-01-15T08:00:00.000000042Z'],
  ] as const) {
    wall = at;
    const target = Buffer.alloc(STAMP_BYTES + 2, '.');
    nowNs();
    writeStamp(target, 1);
    // The offset between the two clocks may stand from before by less than its tolerance of 2 ms.
    assert.equal(target.toString('latin1').slice(1, 25), stamp.slice(0, 24));
    assert.match(target.toString('latin1'), /^\.\d{4}-.*\.\d{9}Z\.$/);
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
