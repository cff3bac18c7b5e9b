/** Calls that outlast a restart of the daemon: pods go on meanwhile, so who looks after one waits too. */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../../../runtime/errors.js';

const PATIENCE_MS = 30_000;
const RETRY_MS = 250;

/** Repeats an idempotent `call` while nobody answers; gives up after 30 s with the last error. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const away = error instanceof CribError && error.code === 'UNAVAILABLE';
      if (!away || performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}
