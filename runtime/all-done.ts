/** Several pieces of work at a time, of which none is left behind. */

/**
 * Waits for all, also when one fails, and throws the first failure then. What comes after, an undo above all, meets none
 * of them still at work, as it may after Promise.all.
 */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
