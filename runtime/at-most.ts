/** Waiting for work that goes on by itself, but not for ever. */

/** True when `work` has ended within `milliseconds`. Throws what it throws by then; afterwards nobody hears of that. */
export async function atMost(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  work.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
