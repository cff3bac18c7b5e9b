/** Wall-clock time in nanoseconds: what is shown, and ordered by others. How long something takes is no affair of it. */

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
