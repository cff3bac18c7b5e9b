/** Waiting for what a kubelet does in its own time. */

import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from '../support/patience.js';

/** Longer than any of a kubelet's periods that a check waits for, on a machine that has other things to do too. */
const LIMIT_MS = 180_000 * PATIENCE;
const PAUSE_MS = 250;

/** Waits until `condition` holds; throws after `limitMs` with what it was and what `seen` tells. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
  seen: () => string | undefined = () => undefined,
): Promise<void> {
  for (const deadline = performance.now() + limitMs; !(await condition()); await sleep(PAUSE_MS)) {
    if (performance.now() < deadline) continue;
    const last = seen();
    throw new Error(`not within ${limitMs / 1000} s: ${what}${last === undefined ? '' : `; last seen: ${last}`}`);
  }
}

/** Whether nothing has this path. */
export function isGone(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    () => true,
  );
}
