/** CRI resources to cgroup v1 files (Documentation/admin-guide/cgroup-v1). */

import type { Resources } from '../containers/config.js';
import { CribError } from '../errors.js';
import { writeControl, writeErrno } from './files.js';

/** Absolute directory of the cgroup in a controller's hierarchy; undefined where the controller is not mounted. */
export type DirectoryOf = (controller: string) => string | undefined;

/**
 * Writes what is set. Throws FAILED_PRECONDITION where a controller is missing or the kernel refuses a value; a missing
 * hugetlb controller is tolerated, as a kubelet sets those limits on every node that has huge pages.
 */
export async function applyV1(directoryOf: DirectoryOf, resources: Resources): Promise<void> {
  const names = Object.keys(resources.unified);
  if (names.length > 0) {
    throw new CribError('FAILED_PRECONDITION', `unified resource "${names[0]}" needs cgroup v2; this host has v1`);
  }
  if (resources.cpuShares > 0) await write(directoryOf, 'cpu', 'cpu.shares', resources.cpuShares);
  await applyQuota(directoryOf, resources);
  await applyMemory(directoryOf, resources);
  if (resources.cpusetCpus !== '') await write(directoryOf, 'cpuset', 'cpuset.cpus', resources.cpusetCpus);
  if (resources.cpusetMems !== '') await write(directoryOf, 'cpuset', 'cpuset.mems', resources.cpusetMems);
  for (const { pageSize, limit } of resources.hugepageLimits) {
    checkPageSize(pageSize);
    if (directoryOf('hugetlb') === undefined) continue;
    await write(directoryOf, 'hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limit);
  }
}

/** A huge page size names a file; anything but `2MB`, `1GB`, `64KB` is refused with INVALID_ARGUMENT. */
export function checkPageSize(pageSize: string): void {
  if (/^[1-9][0-9]{0,9}[KMG]B$/.test(pageSize)) return;
  throw new CribError('INVALID_ARGUMENT', `hugepage_limits: page size "${pageSize}" is not like 2MB or 1GB`);
}

/** The kernel checks quota/period against the parent at each write, so the other order may be the one that passes. */
async function applyQuota(directoryOf: DirectoryOf, { cpuPeriod, cpuQuota }: Resources): Promise<void> {
  const period = () => write(directoryOf, 'cpu', 'cpu.cfs_period_us', cpuPeriod);
  const quota = () => write(directoryOf, 'cpu', 'cpu.cfs_quota_us', cpuQuota);
  if (cpuPeriod > 0 && cpuQuota !== 0) await inEitherOrder(period, quota);
  else if (cpuPeriod > 0) await period();
  else if (cpuQuota !== 0) await quota();
}

/**
 * memory.limit_in_bytes may never be above memory.memsw.limit_in_bytes, not for a moment. So who lifts the one and does
 * not name the other lifts both, as with the OCI runtimes.
 */
async function applyMemory(directoryOf: DirectoryOf, resources: Resources): Promise<void> {
  const { memoryLimit } = resources;
  const memorySwapLimit = memoryLimit < 0 && resources.memorySwapLimit === 0 ? -1 : resources.memorySwapLimit;
  const memory = () => write(directoryOf, 'memory', 'memory.limit_in_bytes', memoryLimit);
  const swap = () => writeSwap(directoryOf, memorySwapLimit);
  if (memoryLimit !== 0 && memorySwapLimit !== 0) await inEitherOrder(memory, swap);
  else if (memoryLimit !== 0) await memory();
  else if (memorySwapLimit !== 0) await swap();
}

/** A kernel without swap accounting has no memsw file; then there is nothing to limit. */
async function writeSwap(directoryOf: DirectoryOf, limit: number): Promise<void> {
  try {
    await write(directoryOf, 'memory', 'memory.memsw.limit_in_bytes', limit);
  } catch (error) {
    if (writeErrno(error) !== 'ENOENT') throw error;
  }
}

async function inEitherOrder(first: () => Promise<void>, second: () => Promise<void>): Promise<void> {
  try {
    await first();
  } catch (error) {
    if (writeErrno(error) !== 'EINVAL') throw error;
    await second();
    await first();
    return;
  }
  await second();
}

async function write(
  directoryOf: DirectoryOf,
  controller: string,
  file: string,
  value: number | string,
): Promise<void> {
  const directory = directoryOf(controller);
  if (directory === undefined) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `${file} cannot be set to ${value}: the ${controller} controller is not mounted on this host`,
    );
  }
  await writeControl(`${directory}/${file}`, String(value));
}
