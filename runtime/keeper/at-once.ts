/** Does `work` for each of `items`, `count` of them at a time. Rejects with the first failure, and begins no more then. */
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
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, worker));
}
