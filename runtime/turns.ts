/**
 * Work that is long in sum and short each time takes turns with everything else: what is in line runs for two
 * milliseconds, then the event loop goes round. So a list of any length delays no other call.
 */

const TURN_MS = 2;

const line: (() => void)[] = [];

/** Runs `work` when it is its turn. One piece of work should take far less than a turn: nothing interrupts it. */
export function inTurn<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const begin = line.length === 0;
    line.push(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
    if (begin) setImmediate(takeTurn);
  });
}

function takeTurn(): void {
  const end = performance.now() + TURN_MS;
  let done = 0;
  for (const work of line) {
    work();
    done++;
    if (performance.now() >= end) break;
  }
  line.splice(0, done);
  if (line.length > 0) setImmediate(takeTurn);
}
