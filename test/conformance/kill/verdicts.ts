/**
 * What a spec comes to that ran while crib was killed under it. critest gives up at the first call that is cut, so such
 * a failure says nothing; it is told by what the call ended with and by the moment. Any other failure is crib's.
 */

import type { Victim } from '../../churn/node.js';
import type { Spec } from '../report.js';

/** One death: when it was, and when what had died was there again, in milliseconds since the epoch. */
export interface Kill {
  readonly victim: Victim;
  readonly at: number;
  readonly over: number;
}

/** A call that something died under, or that found nobody, */
const OVER_GRPC = /code = (Unavailable|Canceled)\b|connection refused|connection reset|transport is closing|\bEOF\b/;
/** and the same over the streams of exec, attach and port-forward. */
const OVER_STREAMS = /broken pipe|lost connection to pod|connection to the keeper ended/;
/** SPDY's client of Go waits so long for the answer to a stream that it opens, also when the connection has ended. */
const SPDY_ANSWER_MS = 30_000;
const SPDY_TIMEOUT = /: Timeout occurred\b/;
/** gRPC's client of Go waits up to 3 s before it tries again a connection that was refused, and fails calls until then. */
const BACK_OFF_MS = 4_000;
/** From a call's end to the assertion that it fails. */
const ASSERTION_MS = 500;

export function isCut({ state, message, began, at, failedCall }: Spec, kills: readonly Kill[]): boolean {
  if (state !== 'failed') return false;
  // What was to come through a stream is waited for by some for a minute.
  if (OVER_STREAMS.test(message)) return kills.some((kill) => kill.at <= at && began <= kill.over);
  const opened = at - SPDY_ANSWER_MS;
  if (SPDY_TIMEOUT.test(message)) return kills.some((kill) => kill.at <= opened + ASSERTION_MS && opened <= kill.over);
  const called = timeOf(failedCall, at);
  const text = Math.abs(called - at) < ASSERTION_MS ? `${message}\n${failedCall}` : message;
  // A call in the background of its spec is told when its time is over.
  const error = / err="([^"]+)"/.exec(failedCall)?.[1];
  const moment = error !== undefined && message.includes(error) ? called : at;
  return OVER_GRPC.test(text) && kills.some((kill) => kill.at <= moment && moment <= kill.over + BACK_OFF_MS);
}

/** When a line of klog's (`E1126 09:44:41.900455 …`, in local time) was written, on the day of `day`; NaN: it is none. */
function timeOf(line: string, day: number): number {
  const [, hours, minutes, seconds, micros] = /^[EWI]\d{4} (\d\d):(\d\d):(\d\d)\.(\d{6}) /.exec(line) ?? [];
  return new Date(day).setHours(Number(hours), Number(minutes), Number(seconds), Number(micros) / 1000);
}

/**
 * One for each spec that ran under kills: failed where any of its failures was not a cut; where all were, what it came
 * to `alone`, afterwards.
 */
export function verdicts(disturbed: readonly Spec[], alone: readonly Spec[], kills: readonly Kill[]): Spec[] {
  const names = [...new Set(disturbed.map(({ name }) => name))];
  return names.flatMap((name) => {
    const runs = disturbed.filter((spec) => spec.name === name);
    const failed = runs.filter(({ state }) => state === 'failed');
    const broken = failed.find((spec) => !isCut(spec, kills));
    const again = alone.find((spec) => spec.name === name);
    if (broken !== undefined) return { ...broken, message: `${again?.state ?? 'not run'} alone; ${broken.message}` };
    if (failed[0] === undefined) return runs.find(({ state }) => state === 'passed') ?? runs.slice(0, 1);
    return again ?? { ...failed[0], message: `cut, and not run again: ${failed[0].message}` };
  });
}

/** The expression that chooses one spec: ginkgo matches it against the suite's name and the spec's. */
export function focusOf(name: string): string {
  return `${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
}
