/** What a cgroup v2 uses. */

import { flatKey, parseNumber, readControl } from './files.js';
import { parsePressure } from './pressure.js';
import type { CgroupStats } from './types.js';

const FILES = ['cpu.stat', 'memory.stat', 'memory.current', 'memory.max', 'memory.events', 'pids.current'];
const SWAP_FILES = ['memory.swap.current', 'memory.swap.max'];
const PRESSURE_FILES = ['cpu.pressure', 'memory.pressure', 'io.pressure'];

/** undefined where the cgroup is gone. */
export async function statsV2(directory: string): Promise<CgroupStats | undefined> {
  const read = (files: readonly string[]) => Promise.all(files.map((file) => readControl(`${directory}/${file}`)));
  const [basic, swap, pressure] = await Promise.all([read(FILES), read(SWAP_FILES), read(PRESSURE_FILES)]);
  const [cpu, memory, current, limit, events, pids] = basic;
  const [swapUsage, swapLimit] = swap;
  const [cpuPressure, memoryPressure, ioPressure] = pressure.map(parsePressure);
  if (cpu === undefined) return undefined;
  const usage = parseNumber(current) ?? 0;
  return {
    timestamp: BigInt(Date.now()) * 1_000_000n,
    cpuUsageNs: BigInt(flatKey(cpu, 'usage_usec')) * 1000n,
    memoryUsage: usage,
    memoryWorkingSet: Math.max(0, usage - flatKey(memory, 'inactive_file')),
    memoryRss: flatKey(memory, 'anon'),
    memoryLimit: parseNumber(limit) ?? 0,
    pageFaults: flatKey(memory, 'pgfault'),
    majorPageFaults: flatKey(memory, 'pgmajfault'),
    swapUsage: parseNumber(swapUsage) ?? 0,
    swapLimit: parseNumber(swapLimit),
    pids: parseNumber(pids) ?? 0,
    oomKills: flatKey(events, 'oom_kill'),
    pressure: { cpu: cpuPressure, memory: memoryPressure, io: ioPressure },
  };
}
