/** Wall-clock time in nanoseconds, and the timestamp of a CRI log line made of it without Date's cost. */

const MILLION = 1_000_000;
const STEP_NS = 2 * MILLION;

let offset = 0n;

/**
 * Nanoseconds since the epoch: the monotonic clock, set again by the wall clock whenever the two differ by more than
 * the latter's own granularity (a clock that was stepped, a machine that slept).
 */
export function nowNs(): bigint {
  const wall = BigInt(Date.now()) * BigInt(MILLION);
  const monotonic = process.hrtime.bigint();
  const difference = wall - (monotonic + offset);
  if (difference > STEP_NS || (difference < -STEP_NS && isAhead(monotonic + offset))) offset = wall - monotonic;
  return monotonic + offset;
}

/** Asked once more: between the two readings of the clocks this process may have had to wait for its turn. */
function isAhead(time: bigint): boolean {
  return BigInt(Date.now()) * BigInt(MILLION) - time < -STEP_NS;
}

/** Bytes of `2026-11-24T04:00:00.123456789Z`. */
export const STAMP_BYTES = 30;

let stampSecond = -1;
let stampText = '';

/** Writes the current time at `position` of `target` as RFC 3339 in UTC with nine digits of fraction. */
export function writeStamp(target: Buffer, position: number): void {
  const now = nowNs();
  const second = Number(now / 1_000_000_000n);
  if (second !== stampSecond) {
    stampSecond = second;
    stampText = new Date(second * 1000).toISOString().slice(0, 20);
  }
  target.write(stampText, position, 'latin1');
  let fraction = Number(now % 1_000_000_000n);
  for (let index = position + STAMP_BYTES - 2; index >= position + 20; index--) {
    const digit = fraction % 10;
    target[index] = 48 + digit;
    fraction = (fraction - digit) / 10;
  }
  target[position + STAMP_BYTES - 1] = 0x5a;
}
