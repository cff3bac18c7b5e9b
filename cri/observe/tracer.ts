/** Spans of calls and of the steps in them: a step belongs to the call, or the step, that it is done in. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { nowNs } from '../../runtime/clock.js';
import { messageOf } from '../../runtime/errors.js';
import type { CallObserver, CallOutcome } from '../call.js';
import type { Span } from './span.js';
import { parseTraceParent } from './traceparent.js';

interface Parent {
  readonly traceId: string;
  readonly spanId: string;
}

/** What is written of an error: a message can hold the output of an OCI runtime. */
const MAX_ERROR = 1024;

export class Tracer {
  readonly #ended: (span: Span) => void;
  readonly #current = new AsyncLocalStorage<Parent | undefined>();

  /** `ended` is given each span once. */
  constructor(ended: (span: Span) => void) {
    this.#ended = ended;
  }

  /** A call, within the client's trace where it sent one. */
  readonly call: CallObserver = async (call, run) => {
    const client = parseTraceParent(call.metadata('traceparent'));
    if (client?.sampled === false) return run();
    const own = { traceId: client?.traceId ?? randomHex(16), spanId: randomHex(8) };
    const start = nowNs();
    const outcome = await this.#current.run(own, run);
    this.#ended({
      ...own,
      parentSpanId: client?.spanId ?? '',
      name: `${call.service}/${call.method}`,
      kind: 'server',
      start,
      end: nowNs(),
      attributes: callAttributes(call.service, call.method, outcome),
      error: outcome.code === 'OK' ? undefined : outcome.message.slice(0, MAX_ERROR),
    });
    return outcome;
  };

  /** A step of the call in progress; outside of one it is not recorded. */
  readonly step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const parent = this.#current.getStore();
    if (parent === undefined) return work();
    const own = { traceId: parent.traceId, spanId: randomHex(8) };
    const start = nowNs();
    const record = (error: string | undefined) =>
      this.#ended({
        ...own,
        parentSpanId: parent.spanId,
        name,
        kind: 'internal',
        start,
        end: nowNs(),
        attributes: {},
        error,
      });
    try {
      const result = await this.#current.run(own, work);
      record(undefined);
      return result;
    } catch (error) {
      record(messageOf(error).slice(0, MAX_ERROR));
      throw error;
    }
  };
}

/** By the names of OpenTelemetry's semantic conventions for RPC. */
function callAttributes(service: string, method: string, { code, about }: CallOutcome): Record<string, string> {
  return {
    'rpc.system': 'grpc',
    'rpc.service': service,
    'rpc.method': method,
    'rpc.grpc.status': code,
    ...Object.fromEntries(Object.entries(about).map(([key, value]) => [`crib.${key}`, value])),
  };
}

function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
