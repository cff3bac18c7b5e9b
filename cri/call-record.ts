/** One log line per call: its name, what it is about, milliseconds, and the error. Never the request itself. */

import { CribError, messageOf } from '../runtime/errors.js';
import type { Log } from '../runtime/log.js';
import type { CallOutcome } from './call.js';
import { errorCodeOf, type Status, statusOf } from './status.js';

export interface CallRecord {
  about(request: object): void;
  succeeded(): CallOutcome;
  /** Logs the failure and returns the status that tells it. */
  failed(error: unknown): { readonly status: Status; readonly outcome: CallOutcome };
}

/** Codes that say that crib or its host is at fault, not the request. */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  'INTERNAL',
  'UNKNOWN',
  'DATA_LOSS',
  'UNAVAILABLE',
  'RESOURCE_EXHAUSTED',
]);

/** `method` is the call's name, as `Version`. */
export function beginRecord(method: { readonly name: string }, log: Log): CallRecord {
  const begun = performance.now();
  const about: Record<string, string> = {};
  const end = () => ({ call: method.name, ...about, ms: Math.round((performance.now() - begun) * 10) / 10 });
  return {
    about: (request) => {
      for (const key of ['podSandboxId', 'containerId']) {
        const id: unknown = Reflect.get(request, key);
        if (typeof id === 'string' && id !== '') about[key] = id.slice(0, 128);
      }
    },
    succeeded: () => {
      log.debug(end(), 'call');
      return { code: 'OK', message: '', about };
    },
    failed: (error) => {
      const code = errorCodeOf(error);
      const status = statusOf(error);
      const line = { ...end(), code, error: status.details };
      if (!OWN_FAULTS.has(code)) log.info(line, 'call failed');
      else if (error instanceof CribError) log.warn(line, 'call failed');
      else log.error({ ...line, stack: error instanceof Error ? error.stack : messageOf(error) }, 'call failed');
      return { status, outcome: { code, message: status.details, about } };
    },
  };
}
