/** What a monitoring system wants to know of a cgroup v1. */

import { readSmallFile } from '../small-files.js';
import { inTurn } from '../turns.js';
import { flatKey, parseNumber } from './files.js';
import { hugePagesOf } from './huge-pages.js';
import { fewProcessesBelow, processesBelow } from './subtree.js';
import type { CgroupDetails, IoCounters } from './types.js';
import type { DirectoryOf } from './v1-apply.js';

/** USER_HZ is 100 on every architecture that crib runs on. */
const TICK_NS = 10_000_000n;

/** undefined where the cgroup is gone from the cpuacct and the memory hierarchy. */
export async function detailsV1(directoryOf: DirectoryOf): Promise<CgroupDetails | undefined> {
  const details = await inTurn(() => readDetails(directoryOf));
  if (details === undefined) return undefined;
  const listed = directoryOf('pids') ?? directoryOf('cpuacct') ?? directoryOf('memory');
  if (listed === undefined) return { ...details, processes: [] };
  const processes = (await inTurn(() => fewProcessesBelow(listed))) ?? (await processesBelow(listed));
  return { ...details, processes };
}

function readDetails(directoryOf: DirectoryOf): Omit<CgroupDetails, 'processes'> | undefined {
  const read = (controller: string, file: string): string | undefined => {
    const directory = directoryOf(controller);
    return directory === undefined ? undefined : readSmallFile(`${directory}/${file}`);
  };
  const times = read('cpuacct', 'cpuacct.stat');
  const memory = read('memory', 'memory.stat');
  if (times === undefined && memory === undefined) return undefined;
  const throttling = read('cpu', 'cpu.stat');
  const huge = directoryOf('hugetlb');
  return {
    cpuUserNs: BigInt(flatKey(times, 'user')) * TICK_NS,
    cpuSystemNs: BigInt(flatKey(times, 'system')) * TICK_NS,
    periods: flatKey(throttling, 'nr_periods'),
    throttledPeriods: flatKey(throttling, 'nr_throttled'),
    throttledNs: BigInt(flatKey(throttling, 'throttled_time')),
    memoryCache: flatKey(memory, 'total_cache'),
    memoryMappedFile: flatKey(memory, 'total_mapped_file'),
    memoryActiveFile: flatKey(memory, 'total_active_file'),
    memoryInactiveFile: flatKey(memory, 'total_inactive_file'),
    memoryKernel: parseNumber(read('memory', 'memory.kmem.usage_in_bytes')),
    memoryMaxUsage: parseNumber(read('memory', 'memory.max_usage_in_bytes')),
    memoryFailures: parseNumber(read('memory', 'memory.failcnt')) ?? 0,
    oomKills: flatKey(read('memory', 'memory.oom_control'), 'oom_kill'),
    ownPageFaults: flatKey(memory, 'pgfault'),
    ownMajorPageFaults: flatKey(memory, 'pgmajfault'),
    threadsMax: parseNumber(read('pids', 'pids.max')) ?? 0,
    io: parseBlkio(
      read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
      read('blkio', 'blkio.throttle.io_serviced_recursive'),
    ),
    hugePages: huge === undefined ? [] : hugePagesOf(huge, { usage: 'usage_in_bytes', max: 'max_usage_in_bytes' }),
  };
}

/** Lines as `8:0 Read 4096`; the totals are left out (cgroup-v1/blkio-controller.rst). */
export function parseBlkio(bytes: string | undefined, operations: string | undefined): IoCounters[] {
  const counters = new Map<string, { readBytes: number; writeBytes: number; reads: number; writes: number }>();
  const add = (text: string | undefined, read: 'readBytes' | 'reads', write: 'writeBytes' | 'writes') => {
    for (const [, device = '', operation, value] of (text ?? '').matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)) {
      const entry = counters.get(device) ?? { readBytes: 0, writeBytes: 0, reads: 0, writes: 0 };
      entry[operation === 'Read' ? read : write] = Number(value);
      counters.set(device, entry);
    }
  };
  add(bytes, 'readBytes', 'writeBytes');
  add(operations, 'reads', 'writes');
  return [...counters].map(([device, entry]) => ({ device, ...entry }));
}
