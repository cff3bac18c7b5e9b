/** LinuxContainerResources, both ways. */

import type { Resources } from '../../../runtime/containers/config.js';
import type { LinuxContainerResources } from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';
import { integer, labels, limit, matching, noNul, refuse, shown } from '../validate.js';

const NONE: Resources = {
  cpuPeriod: 0,
  cpuQuota: 0,
  cpuShares: 0,
  memoryLimit: 0,
  memorySwapLimit: 0,
  oomScoreAdj: 0,
  cpusetCpus: '',
  cpusetMems: '',
  hugepageLimits: [],
  unified: {},
};

/** undefined is "nothing is limited". */
export function resourcesOf(message: LinuxContainerResources | undefined, field: string): Resources {
  if (message === undefined) return NONE;
  const resources = {
    cpuPeriod: cpuPeriod(message.cpuPeriod, `${field}.cpu_period`),
    cpuQuota: limit(message.cpuQuota, `${field}.cpu_quota`),
    cpuShares: integer(message.cpuShares, `${field}.cpu_shares`, 0),
    memoryLimit: limit(message.memoryLimitInBytes, `${field}.memory_limit_in_bytes`),
    memorySwapLimit: limit(message.memorySwapLimitInBytes, `${field}.memory_swap_limit_in_bytes`),
    oomScoreAdj: integer(message.oomScoreAdj, `${field}.oom_score_adj`, -1000, 1000),
    cpusetCpus: cpuset(message.cpusetCpus, `${field}.cpuset_cpus`),
    cpusetMems: cpuset(message.cpusetMems, `${field}.cpuset_mems`),
    hugepageLimits: message.hugepageLimits.map(({ pageSize, limit: bytes }, index) => ({
      pageSize: matching(
        pageSize,
        /^\d{1,6}[KMG]i?B$/,
        'a page size as 2MB',
        `${field}.hugepage_limits[${index}].page_size`,
      ),
      limit: integer(bytes, `${field}.hugepage_limits[${index}].limit`, 0),
    })),
    unified: unified(message.unified, `${field}.unified`),
  };
  const { memoryLimit, memorySwapLimit } = resources;
  if (memoryLimit > 0 && memorySwapLimit > 0 && memorySwapLimit < memoryLimit) {
    refuse(
      `${field}.memory_swap_limit_in_bytes`,
      `is ${memorySwapLimit}: it has memory in it, so not below ${memoryLimit}`,
    );
  }
  return resources;
}

/** Microseconds; the kernel takes 1 ms to 1 s (sched-bwc.rst). */
function cpuPeriod(value: bigint, field: string): number {
  return value === 0n ? 0 : integer(value, field, 1000, 1_000_000);
}

/** cpuset(7), "List format". */
function cpuset(value: string, field: string): string {
  const item = '\\d{1,6}(-\\d{1,6}(:\\d{1,6}/\\d{1,6})?)?';
  return matching(value, new RegExp(`^(${item}(,${item})*)?$`), 'a list of numbers as 0-3,8', field);
}

/** Names of files in a cgroup directory, so none may lead out of it. */
function unified(files: Readonly<Record<string, string>>, field: string): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(labels(files, field))) {
    const entry = `${field}[${shown(name)}]`;
    matching(name, /^\w+(\.[\w-]+)+$/, 'the name of a cgroup v2 file', entry);
    noNul(value, entry);
  }
  return files;
}

export function resourcesMessage(resources: Resources): DeepPartial<LinuxContainerResources> {
  return {
    cpuPeriod: BigInt(resources.cpuPeriod),
    cpuQuota: BigInt(resources.cpuQuota),
    cpuShares: BigInt(resources.cpuShares),
    memoryLimitInBytes: BigInt(resources.memoryLimit),
    memorySwapLimitInBytes: BigInt(resources.memorySwapLimit),
    oomScoreAdj: BigInt(resources.oomScoreAdj),
    cpusetCpus: resources.cpusetCpus,
    cpusetMems: resources.cpusetMems,
    hugepageLimits: resources.hugepageLimits.map((entry) => ({ pageSize: entry.pageSize, limit: BigInt(entry.limit) })),
    unified: resources.unified,
  };
}
