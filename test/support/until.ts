/** Waiting for what happens on its own, for as long as a machine with too much to do may take. */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 30_000;

/** Waits until `condition` holds; `what` says in the failure what did not come about. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = performance.now() + LIMIT_MS; !(await condition()); await sleep(10)) {
    assert.ok(performance.now() < deadline, `${what}: not within ${LIMIT_MS / 1000} s`);
  }
}
