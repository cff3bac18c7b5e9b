/** What pods could leave on a host, counted before and after. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { command } from '../support/command.js';
import { keeperPid, type Stage } from './stage.js';

/** Kind to what there is of it; the demo compares the two. */
export type Inventory = Readonly<Record<string, readonly string[]>>;

/** Everything on the host now that this stage's pods may have made; nothing of anybody else's. */
export async function takeInventory(stage: Stage, podIds: readonly string[]): Promise<Inventory> {
  return {
    'mounts and pinned namespaces': await mounts(stage.directory),
    cgroups: await cgroups(podIds),
    processes: await processes(stage),
    'network interfaces': await interfaces(stage.bridge),
    'host ports': await hostPorts(stage.bridge),
    'files of pods': await files(stage),
  };
}

/** What is there now and was not before, by kind. */
export function whatIsLeft(before: Inventory, after: Inventory): Map<string, string[]> {
  const left = new Map<string, string[]>();
  for (const [kind, list] of Object.entries(after)) {
    const more = list.filter((entry) => before[kind]?.includes(entry) !== true);
    if (more.length > 0) left.set(kind, more);
  }
  return left;
}

/** Field 5 of mountinfo is the mount point (proc_pid_mountinfo(5)). */
async function mounts(below: string): Promise<string[]> {
  const text = await fs.readFile('/proc/self/mountinfo', 'utf8');
  return text
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${below}/`));
}

/** Pods' cgroups are `/crib/<pod>` in each hierarchy. */
async function cgroups(podIds: readonly string[]): Promise<string[]> {
  const text = await fs.readFile('/proc/self/mountinfo', 'utf8');
  const found: string[] = [];
  for (const line of text.split('\n')) {
    if (!/ - cgroup2? /.test(line)) continue;
    for (const id of podIds) {
      const directory = path.join(line.split(' ')[4] ?? '', 'crib', id);
      if (await fs.stat(directory).catch(() => undefined)) found.push(directory);
    }
  }
  return found;
}

/** What the keeper has as children: every container's first process. */
async function processes(stage: Stage): Promise<string[]> {
  const keeper = await keeperPid(stage.state);
  const found: string[] = [];
  for (const pid of (await fs.readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await fs.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // After the name in brackets: state, parent (proc_pid_stat(5)).
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === keeper && parent > 1) found.push(`${pid} ${stat.slice(0, 60)}`);
  }
  return found;
}

/** The host's ends of veth pairs on the bridge. */
function interfaces(bridge: string): Promise<string[]> {
  return fs.readdir(`/sys/class/net/${bridge}/brif`).catch(() => []);
}

async function hostPorts(bridge: string): Promise<string[]> {
  const text = (await command('nft', ['list', 'map', 'inet', `crib_${bridge}`, 'ports4_of'])).toString();
  const elements = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? '';
  return elements.split(',').filter((element) => element.trim() !== '');
}

async function files(stage: Stage): Promise<string[]> {
  const folders = ['pods', 'containers', 'local-pods'].flatMap((name) => [
    path.join(stage.directory, 'root', name),
    path.join(stage.state, name),
  ]);
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const names = await fs.readdir(folder).catch((): string[] => []);
      return names.map((name) => path.join(folder, name));
    }),
  );
  return lists.flat();
}
