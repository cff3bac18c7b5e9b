/** What a cgroup v2 uses. */

import { readSmallFile } from '../small-files.js';
import { inTurn } from '../turns.js';
import { flatKey, parseNumber } from './files.js';
import { parsePressure } from './pressure.js';
import type { CgroupStats } from './types.js';

/** undefined where the cgroup is gone. */
export function statsV2(directory: string): Promise<CgroupStats | undefined> {
  return inTurn(() => readStats(directory));
}

function readStats(directory: string): CgroupStats | undefined {
  const read = (file: string) => readSmallFile(`${directory}/${file}`);
  const pressure = (resource: string) => parsePressure(read(`${resource}.pressure`));
  const cpu = read('cpu.stat');
  if (cpu === undefined) return undefined;
  const memory = read('memory.stat');
  const usage = parseNumber(read('memory.current')) ?? 0;
  return {
    timestamp: BigInt(Date.now()) * 1_000_000n,
    cpuUsageNs: BigInt(flatKey(cpu, 'usage_usec')) * 1000n,
    memoryUsage: usage,
    memoryWorkingSet: Math.max(0, usage - flatKey(memory, 'inactive_file')),
    memoryRss: flatKey(memory, 'anon'),
    memoryLimit: parseNumber(read('memory.max')) ?? 0,
    pageFaults: flatKey(memory, 'pgfault'),
    majorPageFaults: flatKey(memory, 'pgmajfault'),
    swapUsage: parseNumber(read('memory.swap.current')) ?? 0,
    swapLimit: parseNumber(read('memory.swap.max')),
    pids: parseNumber(read('pids.current')) ?? 0,
    pressure: { cpu: pressure('cpu'), memory: pressure('memory'), io: pressure('io') },
  };
}
