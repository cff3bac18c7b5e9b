/** What a monitoring system wants to know of a cgroup v2. */

import { readSmallFile } from '../small-files.js';
import { inTurn } from '../turns.js';
import { flatKey, parseNumber } from './files.js';
import { hugePagesOf } from './huge-pages.js';
import { fewProcessesBelow, processesBelow } from './subtree.js';
import type { CgroupDetails, IoCounters } from './types.js';

/** undefined where the cgroup is gone. */
export async function detailsV2(directory: string): Promise<CgroupDetails | undefined> {
  const details = await inTurn(() => readDetails(directory));
  if (details === undefined) return undefined;
  const processes = (await inTurn(() => fewProcessesBelow(directory))) ?? (await processesBelow(directory));
  return { ...details, processes };
}

function readDetails(directory: string): Omit<CgroupDetails, 'processes'> | undefined {
  const read = (file: string) => readSmallFile(`${directory}/${file}`);
  const cpu = read('cpu.stat');
  if (cpu === undefined) return undefined;
  const memory = read('memory.stat');
  const events = read('memory.events');
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
    memoryMaxUsage: parseNumber(read('memory.peak')),
    memoryFailures: flatKey(events, 'max'),
    oomKills: flatKey(events, 'oom_kill'),
    // memory.stat of v2 counts the whole subtree; containers have none below.
    ownPageFaults: flatKey(memory, 'pgfault'),
    ownMajorPageFaults: flatKey(memory, 'pgmajfault'),
    threadsMax: parseNumber(read('pids.max')) ?? 0,
    io: parseIoStat(read('io.stat')),
    hugePages: hugePagesOf(directory, { usage: 'current', max: undefined }),
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
