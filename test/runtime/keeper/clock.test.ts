import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowNs } from '../../../runtime/clock.js';
import { STAMP_BYTES, writeStamp } from '../../../runtime/keeper/clock.js';

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
