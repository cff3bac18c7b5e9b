/** Cgroup v2: the unified hierarchy (Documentation/admin-guide/cgroup-v2.rst). */

import fs from 'node:fs/promises';
import type { Resources } from '../containers/config.js';
import { flatKey, readControl, writeControl, writeErrno } from './files.js';
import { checkCgroupPath, checkOwnCgroupPath } from './paths.js';
import { freezerV2, requireEmpty, requireThawed } from './startable.js';
import { isDirectory, killBelow, processesBelow, removeBelow } from './subtree.js';
import type { CgroupDetails, CgroupStats, Cgroups } from './types.js';
import { checkPid } from './v1.js';
import { applyV2 } from './v2-apply.js';
import { detailsV2 } from './v2-details.js';
import { statsV2 } from './v2-stats.js';

/** What containers are limited and measured by. */
const CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'];

export class CgroupsV2 implements Cgroups {
  readonly version = 2;
  readonly #root: string;

  /** `root`: the mount point of cgroup2. */
  constructor(root: string) {
    this.#root = root;
  }

  async create(path: string): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    let directory = this.#root;
    for (const name of relative.slice(1).split('/')) {
      await enableControllers(directory);
      directory = `${directory}/${name}`;
      await fs.mkdir(directory, { recursive: true });
    }
  }

  async apply(path: string, resources: Resources): Promise<void> {
    await applyV2(`${this.#root}${checkOwnCgroupPath(path)}`, resources);
  }

  exists(path: string): Promise<boolean> {
    return isDirectory(`${this.#root}${checkCgroupPath(path)}`);
  }

  processes(path: string): Promise<number[]> {
    return processesBelow(`${this.#root}${checkCgroupPath(path)}`);
  }

  async frozen(path: string): Promise<boolean> {
    const directory = `${this.#root}${checkCgroupPath(path)}`;
    const [events, asked] = await Promise.all([
      readControl(`${directory}/cgroup.events`),
      readControl(`${directory}/cgroup.freeze`),
    ]);
    return flatKey(events, 'frozen') === 1 || asked?.trim() === '1';
  }

  requireThawed(path: string): void {
    requireThawed([freezerV2(this.#root)], checkCgroupPath(path));
  }

  async requireUnused(path: string): Promise<void> {
    this.requireThawed(path);
    await requireEmpty([this.#root], checkOwnCgroupPath(path));
  }

  /** cgroup.kill takes the whole subtree at once, frozen or forking (Linux 5.14); older kernels are signalled. */
  async kill(path: string): Promise<void> {
    const directory = `${this.#root}${checkOwnCgroupPath(path)}`;
    await killBelow(directory, {
      before: async () => {
        if ((await processesBelow(directory)).includes(process.pid)) return;
        await ignoring(['ENOENT', 'ENODEV', 'EOPNOTSUPP'], writeControl(`${directory}/cgroup.kill`, '1'));
      },
      after: async () => {},
    });
  }

  async remove(path: string): Promise<void> {
    await removeBelow(`${this.#root}${checkOwnCgroupPath(path)}`);
  }

  stats(path: string): Promise<CgroupStats | undefined> {
    return statsV2(`${this.#root}${checkCgroupPath(path)}`);
  }

  details(path: string): Promise<CgroupDetails | undefined> {
    return detailsV2(`${this.#root}${checkCgroupPath(path)}`);
  }

  async oomKills(path: string): Promise<number | undefined> {
    const events = await readControl(`${this.#root}${checkCgroupPath(path)}/memory.events`);
    return events === undefined ? undefined : flatKey(events, 'oom_kill');
  }

  directories(path: string): string[] {
    return [`${this.#root}${checkCgroupPath(path)}`];
  }

  async attach(path: string, pid: number): Promise<void> {
    checkPid(pid);
    await writeControl(`${this.#root}${checkOwnCgroupPath(path)}/cgroup.procs`, String(pid));
  }
}

/**
 * Gives the children of `directory` the controllers that it has itself. One that the kernel refuses (EBUSY: the parent
 * has processes of its own; EINVAL, EOPNOTSUPP: a threaded domain) is left: applying a limit of it then says so.
 */
async function enableControllers(directory: string): Promise<void> {
  const words = (text: string | undefined) => new Set((text ?? '').trim().split(/\s+/));
  const available = words(await readControl(`${directory}/cgroup.controllers`));
  const enabled = words(await readControl(`${directory}/cgroup.subtree_control`));
  for (const name of CONTROLLERS) {
    if (!available.has(name) || enabled.has(name)) continue;
    const refusals = ['EBUSY', 'EINVAL', 'EOPNOTSUPP', 'ENOENT'];
    await ignoring(refusals, writeControl(`${directory}/cgroup.subtree_control`, `+${name}`));
  }
}

async function ignoring(errnos: readonly string[], write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!errnos.includes(writeErrno(error) ?? '')) throw error;
  }
}
