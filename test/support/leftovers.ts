/** What a node holds in the kernel and on disk, counted, so that before and after can be compared. */

import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Counts {
  readonly mounts: number;
  readonly namespaces: number;
  readonly cgroups: number;
  readonly processes: number;
  readonly veths: number;
  readonly firewallRules: number;
  readonly stateFiles: number;
  readonly rootFiles: number;
  readonly descriptors: Readonly<Record<string, number>>;
}

export interface Watched {
  readonly root: string;
  readonly state: string;
  /** Name to pid of the processes whose descriptors are counted. */
  readonly processes: Readonly<Record<string, number>>;
  /** Where other tests run at the same time: only what names this bridge or these directories is counted. */
  readonly onlyOf?: {
    readonly bridge: string;
    /** A network of CNI's: the word by which its rules of iptables are known. */
    readonly cniNetwork?: string;
  };
}

/** Removed containers go behind the answer's back. */
const TRASH_MS = 10_000;

async function untilTrashIsEmpty(root: string): Promise<void> {
  const isEmpty = async () => (await fs.readdir(path.join(root, 'trash')).catch(() => [])).length === 0;
  for (const deadline = performance.now() + TRASH_MS; !(await isEmpty()); await sleep(10)) {
    if (performance.now() > deadline) return; // it is counted then
  }
}

/** Counts everything a pod can leave behind on this machine. */
export async function countAll(watched: Watched): Promise<Counts> {
  await untilTrashIsEmpty(watched.root);
  const [mountinfo, cgroups, processes, interfaces, firewallRules, stateFiles, rootFiles] = await Promise.all([
    fs.readFile('/proc/self/mountinfo', 'utf8'),
    countCgroups(watched),
    countProcesses(watched),
    fs.readdir(watched.onlyOf === undefined ? '/sys/class/net' : `/sys/class/net/${watched.onlyOf.bridge}/brif`),
    countFirewallRules(watched),
    countFiles(watched.state),
    countFiles(watched.root),
  ]);
  const ours = (line: string) => watched.onlyOf === undefined || line.includes(watched.state);
  const mounts = mountinfo.split('\n').filter(ours);
  const descriptors: Record<string, number> = {};
  for (const [name, pid] of Object.entries(watched.processes)) {
    descriptors[name] = (await fs.readdir(`/proc/${pid}/fd`)).length;
  }
  return {
    mounts: mounts.length,
    namespaces: mounts.filter((line) => line.includes(' - nsfs ')).length,
    cgroups,
    processes,
    veths: interfaces.length,
    firewallRules,
    stateFiles,
    rootFiles,
    descriptors,
  };
}

/** The counts that differ, in words; descriptors may differ by `slack` either way (sockets come and go). */
export function differences(before: Counts, after: Counts, slack = 3): string[] {
  const found: string[] = [];
  for (const [name, count] of Object.entries(before)) {
    const now = after[name as keyof Counts];
    if (typeof count === 'number' && now !== count) found.push(`${name}: ${count} before, ${String(now)} after`);
  }
  for (const [name, count] of Object.entries(before.descriptors)) {
    const now = after.descriptors[name] ?? 0;
    if (Math.abs(now - count) > slack) found.push(`descriptors of ${name}: ${count} before, ${now} after`);
  }
  return found;
}

/**
 * The counts that still differ once they no longer change back: a call may return while the kernel goes on (an interface
 * takes a grace period to go). At most `limitMs`.
 */
export async function leftOf(before: Counts, count: () => Promise<Counts>, limitMs = 5_000): Promise<string[]> {
  for (const deadline = performance.now() + limitMs; ; await sleep(50)) {
    const found = differences(before, await count());
    if (found.length === 0 || performance.now() > deadline) return found;
  }
}

/** Processes with a command line; kernel threads have none. */
async function countProcesses(watched: Watched): Promise<number> {
  const names = (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(names.map((name) => fs.readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
  const ours = (line: string) => line !== '' && (watched.onlyOf === undefined || line.includes(watched.state));
  return lines.filter(ours).length;
}

async function countFirewallRules(watched: Watched): Promise<number> {
  const { cniNetwork } = watched.onlyOf ?? {};
  if (cniNetwork !== undefined) {
    const { stdout } = await run('iptables-save', [], { timeout: 10_000, maxBuffer: 64 << 20 });
    return stdout.split('\n').filter((line) => line.includes(cniNetwork)).length;
  }
  // The elements of its maps are host ports, and do not name the bridge: the table is counted as a whole.
  const what = watched.onlyOf === undefined ? ['ruleset'] : ['table', 'inet', `crib_${watched.onlyOf.bridge}`];
  const { stdout } = await run('nft', ['list', ...what], { timeout: 10_000, maxBuffer: 64 << 20 });
  return stdout.split('\n').filter((line) => line.trim() !== '').length;
}

/** Pods without a parent of their own are below `/crib` in each hierarchy, with systemd below `/crib.slice`. */
async function countCgroups(watched: Watched): Promise<number> {
  const root = '/sys/fs/cgroup';
  if (watched.onlyOf === undefined) return countDirectories(root);
  const hierarchies = ['.', ...(await fs.readdir(root))];
  const paths = hierarchies.flatMap((name) => ['crib', 'crib.slice'].map((own) => path.join(root, name, own)));
  const counts = await Promise.all(paths.map(countDirectories));
  return counts.reduce((all, count) => all + count, 0);
}

async function countDirectories(root: string): Promise<number> {
  const entries = await fs.readdir(root, { withFileTypes: true }).catch(() => []);
  let count = 1;
  for (const entry of entries) if (entry.isDirectory()) count += await countDirectories(path.join(root, entry.name));
  return count;
}

async function countFiles(root: string): Promise<number> {
  const entries = await fs.readdir(root, { recursive: true }).catch(() => []);
  return entries.length;
}
