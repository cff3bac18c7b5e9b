/** What is left in memory of work that is over. */

import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--expose-gc');
const collect: unknown = vm.runInNewContext('gc');

/** Bytes that the JavaScript heap has more after `work` than before. */
export async function retainedBy(work: () => Promise<unknown>): Promise<number> {
  const before = await heapUsed();
  await work();
  return (await heapUsed()) - before;
}

async function heapUsed(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (typeof collect === 'function') collect();
  }
  return process.memoryUsage().heapUsed;
}
