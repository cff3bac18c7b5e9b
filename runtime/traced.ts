/**
 * Steps of an operation, for whoever traces them. Without one, a step is a call of its function and nothing more. It is
 * the process's own switch, as the logger of a language is: handing a tracer down to every step would name it everywhere.
 */

export type Trace = <T>(name: string, work: () => Promise<T>) => Promise<T>;

let trace: Trace | undefined;

/** Steps from now on are told to `tracer`; undefined: to nobody. */
export function traceWith(tracer: Trace | undefined): void {
  trace = tracer;
}

/** Does `work`, as the step `name` of what is in progress. */
export function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  return trace === undefined ? work() : trace(name, work);
}
