/** What a restart of the machine does to a node: processes, mounts, namespaces and `--state` are gone, `--root` stays. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { command } from './command.js';
import type { TestNode } from './node.js';
import { until } from './until.js';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const CGROUPS = '/sys/fs/cgroup';

/**
 * The node as it is after the machine was restarted, for the length of `check`: until its end the kernel tells another
 * boot id. `bridge`: a link that the new kernel does not have.
 */
export async function reboot(node: TestNode, bridge: string, check: () => Promise<void>): Promise<void> {
  const next = path.join(node.directory, 'boot-id');
  await fs.writeFile(next, 'ffffffff-0000-4000-8000-000000000000\n');
  await node.restart(async () => {
    await killKeeper(node.state);
    await killPods(node);
    for (const point of await mountsBelow(node.directory)) await command('umount', ['--lazy', point]);
    await fs.rm(node.state, { recursive: true });
    await command('ip', ['link', 'delete', bridge]);
    for (const table of await tablesOf(bridge)) await command('nft', ['delete', 'table', ...table]);
    await removeCgroups(CGROUPS, await fs.readdir(path.join(node.root, 'pods')));
    await command('mount', ['--bind', next, BOOT_ID]);
  });
  try {
    await check();
  } finally {
    await command('umount', [BOOT_ID]);
  }
}

async function killKeeper(state: string): Promise<void> {
  const pid = Number(await fs.readFile(path.join(state, 'keeper.lock'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  await until(async () => !(await isRunning(pid)), 'the keeper is gone');
}

async function isRunning(pid: number): Promise<boolean> {
  const stat = await fs.readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

/** Everything in the cgroups of pods that this node knows. */
async function killPods(node: TestNode): Promise<void> {
  const ids = await fs.readdir(path.join(node.root, 'pods'));
  for (const name of (await fs.readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const cgroups = await fs.readFile(`/proc/${name}/cgroup`, 'utf8').catch(() => '');
    if (!ids.some((id) => cgroups.includes(id))) continue;
    process.kill(Number(name), 'SIGKILL');
    await until(async () => !(await isRunning(Number(name))), `process ${name} is gone`);
  }
}

/** The innermost first. */
async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await fs.readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${directory}/`)).reverse();
}

/** Family and name of the packet filter tables that are named after the bridge. */
async function tablesOf(bridge: string): Promise<string[][]> {
  const lines = String(await command('nft', ['list', 'tables'])).split('\n');
  return lines.filter((line) => line.includes(bridge)).map((line) => line.split(' ').slice(1));
}

/** Those of pods with their containers; a hierarchy of a new kernel has none. */
async function removeCgroups(directory: string, ids: readonly string[], within = false): Promise<void> {
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inner = path.join(directory, entry.name);
    const isOurs = within || ids.includes(entry.name);
    await removeCgroups(inner, ids, isOurs);
    if (isOurs) await fs.rmdir(inner);
  }
}
