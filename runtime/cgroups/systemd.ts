/**
 * Cgroups of a host whose systemd makes them. Files are read as everywhere; slices are started, limited and stopped by
 * `systemctl`, which needs no unit file for a slice. Scopes are the OCI runtime's: systemd drops one with its last process.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Resources } from '../containers/config.js';
import { CribError, messageOf } from '../errors.js';
import type { Cgroups } from './types.js';
import { cpuWeight } from './v2-apply.js';

const TIMEOUT_MS = 10_000;

/** Runs `systemctl` with these arguments; rejects where it fails. */
export type Systemctl = (args: readonly string[]) => Promise<void>;

/** `inner` with slices left to systemd. */
export function withSystemd(inner: Cgroups, systemctl: Systemctl = runSystemctl): Cgroups {
  return {
    version: inner.version,
    exists: (path) => inner.exists(path),
    processes: (path) => inner.processes(path),
    frozen: (path) => inner.frozen(path),
    requireThawed: (path) => inner.requireThawed(path),
    requireUnused: (path) => inner.requireUnused(path),
    kill: (path) => inner.kill(path),
    stats: async (path) => {
      const stats = await inner.stats(path);
      if (stats === undefined || stats.memoryLimit !== 0) return stats;
      const { memoryLimit = 0, swapLimit = stats.swapLimit } =
        (await limited(path, (below) => inner.stats(below))) ?? {};
      return { ...stats, memoryLimit, swapLimit };
    },
    details: async (path) => {
      const details = await inner.details(path);
      const below = details === undefined ? undefined : await limited(path, (below) => inner.details(below));
      if (details === undefined || below === undefined) return details;
      const { periods, throttledPeriods, throttledNs, threadsMax } = below;
      return { ...details, periods, throttledPeriods, throttledNs, threadsMax: details.threadsMax || threadsMax };
    },
    oomKills: (path) => inner.oomKills(path),
    directories: (path) => inner.directories(path),
    attach: (path, pid) => inner.attach(path, pid),
    create: async (path) => {
      if (await inner.exists(path)) return;
      await systemctl(['start', unitOf(path)]);
    },
    apply: async (path, resources) => {
      const properties = sliceProperties(resources, inner.version);
      if (properties.length > 0) await systemctl(['set-property', '--runtime', unitOf(path), ...properties]);
      const below = `${path}/${SUBGROUP}`;
      if (path.endsWith('.scope') && (await inner.exists(below))) await inner.apply(below, resources);
    },
    remove: async (path) => {
      const unit = unitOf(path);
      if (unit.endsWith('.slice') && (await inner.exists(path))) await systemctl(['stop', unit]);
      await inner.remove(path);
    },
  };
}

/**
 * crun leaves the scope to systemd, which writes its own values there again, and limits a cgroup below it that has the
 * processes (crun(1), run.oci.systemd.subgroup). Use is counted for the scope too; limits and throttling are not.
 */
const SUBGROUP = 'container';

async function limited<T>(path: string, read: (path: string) => Promise<T | undefined>): Promise<T | undefined> {
  return path.endsWith('.scope') ? read(`${path}/${SUBGROUP}`) : undefined;
}

function unitOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What is set, as properties of systemd.resource-control(5). Period and quota of the CPU are its share of one, in per cent. */
export function sliceProperties(resources: Resources, version: 1 | 2): string[] {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimit, cpusetCpus, cpusetMems } = resources;
  const properties: string[] = [];
  if (cpuShares > 0) {
    properties.push(version === 2 ? `CPUWeight=${cpuWeight(cpuShares)}` : `CPUShares=${cpuShares}`);
  }
  if (cpuQuota > 0) properties.push(`CPUQuota=${((100 * cpuQuota) / (cpuPeriod || 100_000)).toFixed(2)}%`);
  if (cpuQuota < 0) properties.push('CPUQuota=');
  if (memoryLimit !== 0) {
    const name = version === 2 ? 'MemoryMax' : 'MemoryLimit';
    properties.push(`${name}=${memoryLimit < 0 ? 'infinity' : memoryLimit}`);
  }
  if (version === 2 && cpusetCpus !== '') properties.push(`AllowedCPUs=${cpusetCpus}`);
  if (version === 2 && cpusetMems !== '') properties.push(`AllowedMemoryNodes=${cpusetMems}`);
  return properties;
}

async function runSystemctl(args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('systemctl', ['--no-ask-password', ...args], { timeout: TIMEOUT_MS });
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `systemctl ${args.join(' ')}: ${messageOf(cause)}`, { cause });
  }
}
