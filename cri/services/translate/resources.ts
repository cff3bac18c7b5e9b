/** LinuxContainerResources, both ways. */

import type { Resources } from '../../../runtime/containers/config.js';
import type { LinuxContainerResources } from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';
import { integer, limit } from '../validate.js';

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
  return {
    cpuPeriod: integer(message.cpuPeriod, `${field}.cpu_period`, 0),
    cpuQuota: limit(message.cpuQuota, `${field}.cpu_quota`),
    cpuShares: integer(message.cpuShares, `${field}.cpu_shares`, 0),
    memoryLimit: limit(message.memoryLimitInBytes, `${field}.memory_limit_in_bytes`),
    memorySwapLimit: limit(message.memorySwapLimitInBytes, `${field}.memory_swap_limit_in_bytes`),
    oomScoreAdj: integer(message.oomScoreAdj, `${field}.oom_score_adj`, -1000, 1000),
    cpusetCpus: message.cpusetCpus,
    cpusetMems: message.cpusetMems,
    hugepageLimits: message.hugepageLimits.map(({ pageSize, limit: bytes }, index) => ({
      pageSize,
      limit: integer(bytes, `${field}.hugepage_limits[${index}].limit`, 0),
    })),
    unified: message.unified,
  };
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
