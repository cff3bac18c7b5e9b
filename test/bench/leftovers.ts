/** What a run left on the host, looked for by the names that only this run uses. */

import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import type { Contestant } from './contestant.js';
import { processTable } from './processes.js';

const CGROUP_ROOT = '/sys/fs/cgroup';

/** Mounts below the run's directory, its processes, its links, its packet filter rules, its cgroups: as words. */
export async function findLeftovers(
  dir: string,
  cgroup: string,
  contestants: readonly Contestant[],
): Promise<string[]> {
  const marks = contestants.flatMap((contestant) => contestant.marks);
  const marked = (text: string) => marks.some((mark) => text.includes(mark));
  const [mounts, processes, links, rules, tables] = await Promise.all([
    mountsBelow(dir),
    processTable(),
    command('ip', ['-o', 'link']).then(String),
    command('iptables-save', []).then(String, () => ''),
    command('nft', ['list', 'tables']).then(String, () => ''),
  ]);
  const lines = [...links.split('\n'), ...rules.split('\n'), ...tables.split('\n')].filter(marked);
  return [
    ...mounts.map((path) => `mount ${path}`),
    ...processes.filter(({ line }) => line.includes(`${dir}/`)).map(({ pid, line }) => `process ${pid} ${line}`),
    ...lines.map((line) => `network ${line}`),
    ...(await cgroupsOf(cgroup)).map((path) => `cgroup ${path}`),
  ];
}

export async function mountsBelow(dir: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
}

/** The pods' cgroup parent is the client's, as a kubelet's is: the client removes it. */
export async function removeCgroupParent(name: string): Promise<void> {
  for (const path of await cgroupTops(name)) await rmdir(path).catch(() => {});
}

/** Cgroups that are below the parent still, or are it. */
async function cgroupsOf(name: string): Promise<string[]> {
  const found: string[] = [];
  for (const top of await cgroupTops(name)) {
    const names = await readdir(top, { withFileTypes: true }).catch(() => undefined);
    if (names === undefined) continue;
    found.push(top, ...names.filter((entry) => entry.isDirectory()).map((entry) => join(top, entry.name)));
  }
  return found;
}

/** In cgroup v1 every hierarchy has it; in v2 there is one. */
async function cgroupTops(name: string): Promise<string[]> {
  const hierarchies = await readdir(CGROUP_ROOT, { withFileTypes: true });
  const below = hierarchies.filter((entry) => entry.isDirectory()).map((entry) => join(CGROUP_ROOT, entry.name, name));
  return [join(CGROUP_ROOT, name), ...below];
}
