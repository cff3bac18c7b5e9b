/** What a monitoring system wants to know of a cgroup v1. */

import { flatKey, parseNumber, readControl } from './files.js';
import { hugePagesOf } from './huge-pages.js';
import { processesBelow } from './subtree.js';
import type { CgroupDetails, IoCounters } from './types.js';
import type { DirectoryOf } from './v1-apply.js';

/** USER_HZ is 100 on every architecture that crib runs on. */
const TICK_NS = 10_000_000n;

/** undefined where the cgroup is gone from the cpuacct and the memory hierarchy. */
export async function detailsV1(directoryOf: DirectoryOf): Promise<CgroupDetails | undefined> {
  const read = (controller: string, file: string): Promise<string | undefined> => {
    const directory = directoryOf(controller);
    return directory === undefined ? Promise.resolve(undefined) : readControl(`${directory}/${file}`);
  };
  const [times, throttling, memory, maxUsage, failures, kernel, threadsMax] = await Promise.all([
    read('cpuacct', 'cpuacct.stat'),
    read('cpu', 'cpu.stat'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.max_usage_in_bytes'),
    read('memory', 'memory.failcnt'),
    read('memory', 'memory.kmem.usage_in_bytes'),
    read('pids', 'pids.max'),
  ]);
  if (times === undefined && memory === undefined) return undefined;
  const listed = directoryOf('pids') ?? directoryOf('cpuacct') ?? directoryOf('memory');
  const huge = directoryOf('hugetlb');
  const [bytes, operations, processes, hugePages] = await Promise.all([
    read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
    read('blkio', 'blkio.throttle.io_serviced_recursive'),
    listed === undefined ? [] : processesBelow(listed),
    huge === undefined ? [] : hugePagesOf(huge, { usage: 'usage_in_bytes', max: 'max_usage_in_bytes' }),
  ]);
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
    memoryKernel: parseNumber(kernel),
    memoryMaxUsage: parseNumber(maxUsage),
    memoryFailures: parseNumber(failures) ?? 0,
    ownPageFaults: flatKey(memory, 'pgfault'),
    ownMajorPageFaults: flatKey(memory, 'pgmajfault'),
    processes,
    threadsMax: parseNumber(threadsMax) ?? 0,
    io: parseBlkio(bytes, operations),
    hugePages,
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
