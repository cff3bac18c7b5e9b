import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePressure } from '../../../runtime/cgroups/pressure.js';

const NONE = { totalNs: 0n, avg10: 0, avg60: 0, avg300: 0 };

test('both lines are read, microseconds become nanoseconds', () => {
  const text =
    'some avg10=0.12 avg60=1.50 avg300=99.00 total=12345\nfull avg10=0.00 avg60=0.01 avg300=0.00 total=18446744073709551615\n';
  assert.deepEqual(parsePressure(text), {
    some: { totalNs: 12_345_000n, avg10: 0.12, avg60: 1.5, avg300: 99 },
    full: { totalNs: 18_446_744_073_709_551_615_000n, avg10: 0, avg60: 0.01, avg300: 0 },
  });
});

test('a kernel that keeps none, or no full line, or writes another format', () => {
  assert.equal(parsePressure(undefined), undefined);
  assert.equal(parsePressure(''), undefined);
  const some = 'some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n';
  assert.deepEqual(parsePressure(some)?.full, NONE);
  assert.equal(parsePressure(some)?.some.totalNs, 4000n);
  for (const text of [
    'some total=5\n',
    'awesome avg10=1 avg60=1 avg300=1 total=1\n',
    'some avg10=x avg60=y avg300=z total=1',
  ]) {
    assert.deepEqual(parsePressure(text), { some: NONE, full: NONE }, text);
  }
});

test('takes a cpu.pressure without a "full" line, as before Linux 5.13', () => {
  const pressure = parsePressure('some avg10=0.00 avg60=0.00 avg300=0.10 total=9\n');
  assert.deepEqual([pressure?.some.totalNs, pressure?.some.avg300, pressure?.full.totalNs], [9000n, 0.1, 0n]);
});
