/** Forgetting what was just killed: the keeper refuses until the process is reaped, which takes a moment. */

import { CribError } from '../errors.js';
import type { Keeper } from './protocol.js';

const ATTEMPTS = 50;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 200;

/** Throws FAILED_PRECONDITION when it still runs after about 10 s. */
export async function forgetWhenEnded(keeper: Pick<Keeper, 'forget'>, id: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await keeper.forget(id);
      return;
    } catch (error) {
      if (attempt > ATTEMPTS || !(error instanceof CribError) || error.code !== 'FAILED_PRECONDITION') throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(FIRST_WAIT_MS * attempt, LONGEST_WAIT_MS)));
    }
  }
}
