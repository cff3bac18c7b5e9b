/** CRI resources to cgroup v2 files. */

import type { Resources } from '../containers/config.js';
import { CribError } from '../errors.js';
import { writeControl, writeErrno } from './files.js';
import { checkPageSize } from './v1-apply.js';

const DEFAULT_PERIOD_US = 100_000;

/** Writes what is set. Throws FAILED_PRECONDITION where a controller is not enabled or the kernel refuses a value. */
export async function applyV2(directory: string, resources: Resources): Promise<void> {
  const write = (file: string, value: string) => writeControl(`${directory}/${file}`, value);
  if (resources.cpuShares > 0) await write('cpu.weight', String(cpuWeight(resources.cpuShares)));
  if (resources.cpuQuota !== 0 || resources.cpuPeriod > 0) await write('cpu.max', cpuMax(resources));
  await applyMemory(directory, resources);
  if (resources.cpusetCpus !== '') await write('cpuset.cpus', resources.cpusetCpus);
  if (resources.cpusetMems !== '') await write('cpuset.mems', resources.cpusetMems);
  for (const { pageSize, limit } of resources.hugepageLimits) {
    checkPageSize(pageSize);
    await tolerating(['ENOENT'], write(`hugetlb.${pageSize}.max`, limitText(limit)));
  }
  for (const [file, value] of Object.entries(resources.unified)) {
    checkUnified(file, value);
    await write(file, value);
  }
}

/**
 * cgroup v1 shares (2 to 262144) to a v2 weight (1 to 10000), by the line that Kubernetes uses (KEP-2254) and the OCI
 * runtimes with it.
 */
export function cpuWeight(shares: number): number {
  const clamped = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.trunc(((clamped - 2) * 9999) / 262_142);
}

function cpuMax({ cpuQuota, cpuPeriod }: Resources): string {
  return `${cpuQuota > 0 ? cpuQuota : 'max'} ${cpuPeriod > 0 ? cpuPeriod : DEFAULT_PERIOD_US}`;
}

/** CRI's swap limit counts memory and swap together, v2's swap alone. */
async function applyMemory(directory: string, { memoryLimit, memorySwapLimit }: Resources): Promise<void> {
  if (memorySwapLimit !== 0) {
    const swap = swapAlone(memoryLimit, memorySwapLimit);
    const absent = swap === 'max' || swap === '0' ? ['ENOENT'] : [];
    await tolerating(absent, writeControl(`${directory}/memory.swap.max`, swap));
  }
  if (memoryLimit !== 0) await writeControl(`${directory}/memory.max`, limitText(memoryLimit));
}

function swapAlone(memoryLimit: number, memorySwapLimit: number): string {
  if (memorySwapLimit < 0) return 'max';
  if (memoryLimit <= 0 || memorySwapLimit < memoryLimit) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `memory_swap_limit_in_bytes ${memorySwapLimit} needs a memory limit that is not above it, but that is ${memoryLimit}`,
    );
  }
  return String(memorySwapLimit - memoryLimit);
}

function limitText(limit: number): string {
  return limit < 0 ? 'max' : String(limit);
}

/** Files of the cgroup core (procs, kill, freeze, subtree_control) are not resources. */
function checkUnified(file: string, value: string): void {
  if (/^[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+$/.test(file) && !file.startsWith('cgroup.') && !value.includes('\0')) return;
  throw new CribError('INVALID_ARGUMENT', `unified: "${file}" is not a cgroup v2 resource file`);
}

async function tolerating(errnos: readonly string[], write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!errnos.includes(writeErrno(error) ?? '')) throw error;
  }
}
