const BIRTH_NS = BigInt(Date.now()) * 1_000_000n;
const BIRTH_MONOTONIC = process.hrtime.bigint();
/** A clock that was set, or a machine that slept, moves Date but not the monotonic clock: this much is let pass. */
const DRIFT_NS = 1_000_000_000n;

/** Nanoseconds since the epoch: Date's milliseconds, refined by the monotonic clock so that two events keep their order. */
export function nowNs(): bigint {
  const refined = BIRTH_NS + (process.hrtime.bigint() - BIRTH_MONOTONIC);
  const coarse = BigInt(Date.now()) * 1_000_000n;
  const drift = refined > coarse ? refined - coarse : coarse - refined;
  return drift > DRIFT_NS ? coarse : refined;
}
