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
    stats: (path) => inner.stats(path),
    details: (path) => inner.details(path),
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
    },
    remove: async (path) => {
      const unit = unitOf(path);
      if (unit.endsWith('.slice') && (await inner.exists(path))) await systemctl(['stop', unit]);
      await inner.remove(path);
    },
  };
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
