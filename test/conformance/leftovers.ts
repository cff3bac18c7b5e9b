/** What a run could leave on the host: counted before and after, so that every difference is named. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';

/** Each kind's members, by a name that says what it is. */
export type HostState = ReadonlyMap<string, ReadonlySet<string>>;

const CGROUP_ROOT = '/sys/fs/cgroup';

export async function hostState(): Promise<HostState> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  const links = (await command('ip', ['-o', 'link'])).toString().match(/(?<=^\d+: )[^:@]+/gm) ?? [];
  const rules = await Promise.all([lines('iptables-save', []), lines('nft', ['list', 'ruleset'])]);
  return new Map([
    ['mount', new Set(mounts)],
    ['network link', new Set(links)],
    ['cgroup', new Set(await cgroups())],
    ['packet filter rule', new Set(rules.flat())],
    ['shared memory segment', new Set(await sharedMemory())],
  ]);
}

/** The members that are there now and were not before, as `kind name`. */
export function leftovers(before: HostState, after: HostState): string[] {
  return [...after].flatMap(([kind, members]) =>
    [...members].filter((member) => !before.get(kind)?.has(member)).map((member) => `${kind} ${member}`),
  );
}

/** critest makes segments with ipcmk and leaves them; those of this run that nothing has attached go. */
export async function removeSharedMemory(before: HostState): Promise<void> {
  for (const id of await sharedMemory()) {
    if (before.get('shared memory segment')?.has(id)) continue;
    await command('ipcrm', ['-m', id]).catch(() => {});
  }
}

/** A spec of mount propagation whose container is refused leaves the mount that it made on the host for it. */
export async function removeTestMounts(before: HostState): Promise<void> {
  for (const path of (await hostState()).get('mount') ?? []) {
    if (!/^\/tmp\/test[0-9a-f]{64}[^/]*\//.test(path) || before.get('mount')?.has(path)) continue;
    await command('umount', ['-l', path]).catch(() => {});
  }
}

async function sharedMemory(): Promise<string[]> {
  const rows = (await readFile('/proc/sysvipc/shm', 'utf8')).trim().split('\n').slice(1);
  return rows.flatMap((row) => row.trim().split(/\s+/)[1] ?? []);
}

async function cgroups(): Promise<string[]> {
  const found: string[] = [];
  const visit = async (dir: string): Promise<void> => {
    for (const name of await readdir(dir).catch(() => [])) {
      const path = join(dir, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts?.isDirectory() !== true) continue;
      found.push(path);
      await visit(path);
    }
  };
  await visit(CGROUP_ROOT);
  return found;
}

/** Counters in brackets change by themselves, and comments carry the time. Chains that a CNI plugin keeps are no rules. */
async function lines(program: string, args: string[]): Promise<string[]> {
  const text = await command(program, args).catch(() => '');
  return text
    .toString()
    .split('\n')
    .map((line) => line.replace(/\[\d+:\d+\]|counter packets \d+ bytes \d+/g, '').trim())
    .filter((line) => line.startsWith('-A') && !/ (-A )?CNI-HOSTPORT-(SETMARK|MASQ|DNAT)/.test(` ${line}`));
}
