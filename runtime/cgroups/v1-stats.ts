/** What a cgroup v1 uses. */

import { readSmallFile } from '../small-files.js';
import { inTurn } from '../turns.js';
import { flatKey, parseNumber } from './files.js';
import type { CgroupStats } from './types.js';
import type { DirectoryOf } from './v1-apply.js';

/** "No limit" is the largest page-aligned value, not a word (cgroup-v1/memory.rst). */
const UNLIMITED = 2 ** 62;

/** undefined where the cgroup is gone from the cpuacct and the memory hierarchy. */
export function statsV1(directoryOf: DirectoryOf): Promise<CgroupStats | undefined> {
  return inTurn(() => readStats(directoryOf));
}

function readStats(directoryOf: DirectoryOf): CgroupStats | undefined {
  const read = (controller: string, file: string): string | undefined => {
    const directory = directoryOf(controller);
    return directory === undefined ? undefined : readSmallFile(`${directory}/${file}`);
  };
  const cpu = read('cpuacct', 'cpuacct.usage');
  const memory = read('memory', 'memory.stat');
  if (cpu === undefined && memory === undefined) return undefined;
  const swapLimit = flatKey(memory, 'hierarchical_memsw_limit') - flatKey(memory, 'hierarchical_memory_limit');
  const usage = parseNumber(read('memory', 'memory.usage_in_bytes')) ?? 0;
  const limit = parseNumber(read('memory', 'memory.limit_in_bytes')) ?? 0;
  return {
    timestamp: BigInt(Date.now()) * 1_000_000n,
    cpuUsageNs: BigInt(cpu?.trim() || '0'),
    memoryUsage: usage,
    memoryWorkingSet: Math.max(0, usage - flatKey(memory, 'total_inactive_file')),
    memoryRss: flatKey(memory, 'total_rss'),
    memoryLimit: limit >= UNLIMITED ? 0 : limit,
    pageFaults: flatKey(memory, 'total_pgfault'),
    majorPageFaults: flatKey(memory, 'total_pgmajfault'),
    swapUsage: flatKey(memory, 'total_swap'),
    swapLimit: flatKey(memory, 'hierarchical_memsw_limit') >= UNLIMITED ? undefined : Math.max(0, swapLimit),
    pids: parseNumber(read('pids', 'pids.current')) ?? 0,
    pressure: { cpu: undefined, memory: undefined, io: undefined },
  };
}
