/** What a monitoring system wants to know of a cgroup v2. */

import { flatKey, parseNumber, readControl } from './files.js';
import { hugePagesOf } from './huge-pages.js';
import { processesBelow } from './subtree.js';
import type { CgroupDetails, IoCounters } from './types.js';

const FILES = ['cpu.stat', 'memory.stat', 'memory.peak', 'memory.events', 'pids.max', 'io.stat'];

/** undefined where the cgroup is gone. */
export async function detailsV2(directory: string): Promise<CgroupDetails | undefined> {
  const [files, processes, hugePages] = await Promise.all([
    Promise.all(FILES.map((file) => readControl(`${directory}/${file}`))),
    processesBelow(directory),
    hugePagesOf(directory, { usage: 'current', max: undefined }),
  ]);
  const [cpu, memory, peak, events, threadsMax, io] = files;
  if (cpu === undefined) return undefined;
  return {
    cpuUserNs: BigInt(flatKey(cpu, 'user_usec')) * 1000n,
    cpuSystemNs: BigInt(flatKey(cpu, 'system_usec')) * 1000n,
    periods: flatKey(cpu, 'nr_periods'),
    throttledPeriods: flatKey(cpu, 'nr_throttled'),
    throttledNs: BigInt(flatKey(cpu, 'throttled_usec')) * 1000n,
    memoryCache: flatKey(memory, 'file'),
    memoryMappedFile: flatKey(memory, 'file_mapped'),
    memoryActiveFile: flatKey(memory, 'active_file'),
    memoryInactiveFile: flatKey(memory, 'inactive_file'),
    memoryKernel: memory?.includes('\nkernel ') ? flatKey(memory, 'kernel') : undefined,
    memoryMaxUsage: parseNumber(peak),
    memoryFailures: flatKey(events, 'max'),
    // memory.stat of v2 counts the whole subtree; containers have none below.
    ownPageFaults: flatKey(memory, 'pgfault'),
    ownMajorPageFaults: flatKey(memory, 'pgmajfault'),
    processes,
    threadsMax: parseNumber(threadsMax) ?? 0,
    io: parseIoStat(io),
    hugePages,
  };
}

/** Lines as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0` (cgroup-v2.rst). */
export function parseIoStat(text: string | undefined): IoCounters[] {
  return [...(text ?? '').matchAll(/^(\d+:\d+) (.*)$/gm)].map(([, device = '', rest = '']) => {
    const value = (key: string) => Number(new RegExp(`\\b${key}=(\\d+)`).exec(rest)?.[1] ?? 0);
    return {
      device,
      readBytes: value('rbytes'),
      writeBytes: value('wbytes'),
      reads: value('rios'),
      writes: value('wios'),
    };
  });
}
