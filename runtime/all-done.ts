/** Several pieces of work at a time, of which none is left behind. */

/**
 * Waits for all, also when one fails, and throws the first failure then. What comes after, an undo above all, meets none
 * of them still at work, as it may after Promise.all.
 */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Does `work` for each of `items`, in order, `count` of them at a time. After a failure no more are begun; it is thrown
 * when those that are at work have ended.
 */
export async function atOnce<Item>(
  items: readonly Item[],
  count: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items].reverse();
  const worker = async () => {
    try {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
    } finally {
      left.length = 0; // all are done, or one has failed
    }
  };
  await allDone(Array.from({ length: Math.min(count, items.length) }, worker));
}
