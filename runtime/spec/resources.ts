/** OCI linux.resources from CRI LinuxContainerResources; also what `runc update` takes. */

import type { Resources } from '../containers/config.js';
import { CribError } from '../errors.js';
import { checkInteger, checkText, invalid } from './checks.js';
import type { BuildResources, HostFacts, OciResources } from './types.js';

const FIELD = 'config.linux.resources';

/**
 * Only what is set; no device rules, which an update must leave alone. Throws INVALID_ARGUMENT for a value that no
 * kernel takes, FAILED_PRECONDITION for `unified` on cgroup v1.
 */
export const buildResources: BuildResources = (resources, host): OciResources => {
  const unified = unifiedFiles(resources, host);
  const hugepageLimits = hugepages(resources, host);
  return {
    cpu: cpu(resources),
    memory: memory(resources, host),
    ...(hugepageLimits.length === 0 ? {} : { hugepageLimits }),
    ...(Object.keys(unified).length === 0 ? {} : { unified }),
  };
};

/**
 * The kernel clamps shares to 2 to 262144; the runtime's conversion to a v2 weight does not, so it is done here. No quota is
 * what a new cgroup has: -1, which a kubelet sends for exclusive CPUs, is a huge number to crun before 1.8.4, and with
 * systemd 1 % of a CPU before 1.22 (its pull requests 1186 and 1794).
 */
function cpu(resources: Resources): Record<string, unknown> {
  const period = checkInteger(`${FIELD}.cpu_period`, resources.cpuPeriod, 0);
  const quota = checkInteger(`${FIELD}.cpu_quota`, resources.cpuQuota, -1);
  const shares = checkInteger(`${FIELD}.cpu_shares`, resources.cpuShares, 0);
  const { cpusetCpus, cpusetMems } = resources;
  return {
    ...(period === 0 ? {} : { period }),
    ...(quota <= 0 ? {} : { quota }),
    ...(shares === 0 ? {} : { shares: Math.min(Math.max(shares, 2), 262_144) }),
    ...(cpusetCpus === '' ? {} : { cpus: checkList(`${FIELD}.cpuset_cpus`, cpusetCpus) }),
    ...(cpusetMems === '' ? {} : { mems: checkList(`${FIELD}.cpuset_mems`, cpusetMems) }),
  };
}

/** cpuset(7), "List format". */
function checkList(field: string, value: string): string {
  if (/^\d+(-\d+)?(:\d+\/\d+)?(,\d+(-\d+)?(:\d+\/\d+)?)*$/.test(value)) return value;
  throw invalid(field, `${JSON.stringify(value)} is not a list like 0-3,7`);
}

/** No swap for a container with a memory limit, unless it was given some. */
function memory(resources: Resources, host: HostFacts): Record<string, unknown> {
  const limit = checkInteger(`${FIELD}.memory_limit_in_bytes`, resources.memoryLimit, -1);
  const asked = checkInteger(`${FIELD}.memory_swap_limit_in_bytes`, resources.memorySwapLimit, -1);
  if (asked > 0 && (limit <= 0 || asked < limit)) {
    throw invalid(
      `${FIELD}.memory_swap_limit_in_bytes`,
      `${asked} is memory and swap together: it needs a memory_limit_in_bytes, and is at least that (${limit})`,
    );
  }
  const swap = asked === 0 ? limit : asked;
  return {
    ...(limit === 0 ? {} : { limit }),
    ...(swap === 0 || !host.swapAccounting ? {} : { swap }),
  };
}

/** A kubelet sends a limit for each size that any node may have; the runtime fails on one that this host has not. */
function hugepages(resources: Resources, host: HostFacts): { pageSize: string; limit: number }[] {
  const limits = resources.hugepageLimits.map(({ pageSize, limit }, index) => ({
    pageSize,
    limit: checkInteger(`${FIELD}.hugepage_limits[${index}].limit`, limit, 0),
  }));
  if (!host.controllers.includes('hugetlb')) return [];
  return limits.filter(({ pageSize }) => host.hugepageSizes.includes(pageSize));
}

function unifiedFiles(resources: Resources, host: HostFacts): Record<string, string> {
  const entries = Object.entries(resources.unified);
  for (const [name, value] of entries) {
    if (!/^[a-z0-9_]+\.[A-Za-z0-9_.-]+$/.test(name)) {
      throw invalid(`${FIELD}.unified`, `${JSON.stringify(name)} is not the name of a cgroup file, like memory.high`);
    }
    checkText(`${FIELD}.unified[${name}]`, value);
  }
  if (entries.length > 0 && host.cgroupVersion !== 2) {
    throw new CribError('FAILED_PRECONDITION', `${FIELD}.unified: this host has cgroup v1; unified needs v2`);
  }
  return Object.fromEntries(entries);
}

/**
 * process.oomScoreAdj, raised to what may be set here: an OCI runtime fails on less. Always written, since the process
 * that starts containers may itself be protected from the OOM killer and children inherit that.
 */
export function oomScoreAdj(resources: Resources, host: HostFacts): number {
  return Math.max(checkInteger(`${FIELD}.oom_score_adj`, resources.oomScoreAdj, -1000, 1000), host.oomScoreAdjFloor);
}
