/**
 * Steps of an operation, for whoever is around them: a tracer, and failpoints where they are switched on. Without either
 * a step is a call of its function and nothing more. They are the process's own switches, as the logger of a language
 * is: handing them down to every step would name them everywhere.
 */

import type { StepName } from './step-names.js';

/** Does `work`, which is the step `name`, with something before, after or instead. */
export type Around = <T>(name: StepName, work: () => Promise<T>) => Promise<T>;

let tracer: Around | undefined;
let failpoints: Around | undefined;
let around: Around | undefined;

/** Steps from now on are told to `trace`; undefined: to nobody. */
export function traceWith(trace: Around | undefined): void {
  tracer = trace;
  around = within(tracer, failpoints);
}

/** Steps from now on are disturbed by `fail`, inside of their spans; undefined: by nobody. */
export function failWith(fail: Around | undefined): void {
  failpoints = fail;
  around = within(tracer, failpoints);
}

function within(outer: Around | undefined, inner: Around | undefined): Around | undefined {
  if (outer === undefined || inner === undefined) return outer ?? inner;
  return (name, work) => outer(name, () => inner(name, work));
}

/** Does `work`, as the step `name` of what is in progress. */
export function step<T>(name: StepName, work: () => Promise<T>): Promise<T> {
  return around === undefined ? work() : around(name, work);
}
