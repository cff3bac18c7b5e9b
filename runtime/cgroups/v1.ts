/** Cgroup v1: one directory per hierarchy for each cgroup, and beside them the hybrid cgroup2 where there is one. */

import fs from 'node:fs/promises';
import type { Resources } from '../containers/config.js';
import { CribError } from '../errors.js';
import { flatKey, readControl, writeControl, writeErrno } from './files.js';
import type { Hierarchies } from './hierarchies.js';
import { checkCgroupPath, checkOwnCgroupPath } from './paths.js';
import { type Freezer, freezerV1, freezerV2, requireEmpty, requireThawed } from './startable.js';
import { isDirectory, killBelow, processesBelow, removeBelow } from './subtree.js';
import type { CgroupDetails, CgroupStats, Cgroups } from './types.js';
import { applyV1 } from './v1-apply.js';
import { detailsV1 } from './v1-details.js';
import { statsV1 } from './v1-stats.js';

/** Polls for a cgroup that is FREEZING, 1 ms apart. */
const FREEZE_POLLS = 100;

export class CgroupsV1 implements Cgroups {
  readonly version = 1;
  readonly #controllers: ReadonlyMap<string, string>;
  /** Every hierarchy once; `cpu,cpuacct` is one. */
  readonly #roots: readonly string[];
  /** The hierarchy that is asked for processes. Every process is in all of them. */
  readonly #listed: string;
  readonly #freezers: readonly Freezer[];

  constructor(hierarchies: Hierarchies) {
    const { controllers, unified } = hierarchies;
    this.#controllers = controllers;
    this.#roots = [...new Set([...controllers.values(), ...(unified === undefined ? [] : [unified])])];
    const listed = controllers.get('pids') ?? controllers.get('freezer') ?? this.#roots[0];
    if (listed === undefined) throw new CribError('FAILED_PRECONDITION', 'no cgroup v1 hierarchy is mounted');
    this.#listed = listed;
    const freezer = controllers.get('freezer');
    this.#freezers = [
      ...(freezer === undefined ? [] : [freezerV1(freezer)]),
      ...(unified === undefined ? [] : [freezerV2(unified)]),
    ];
  }

  async create(path: string): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    const cpuset = this.#controllers.get('cpuset');
    await Promise.all(this.#roots.map((root) => fs.mkdir(`${root}${relative}`, { recursive: true })));
    if (cpuset !== undefined) await inheritCpuset(cpuset, relative);
  }

  async apply(path: string, resources: Resources): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    await applyV1((controller) => this.#directory(controller, relative), resources);
  }

  exists(path: string): Promise<boolean> {
    return isDirectory(`${this.#listed}${checkCgroupPath(path)}`);
  }

  processes(path: string): Promise<number[]> {
    return processesBelow(`${this.#listed}${checkCgroupPath(path)}`);
  }

  async frozen(path: string): Promise<boolean> {
    const directory = this.#directory('freezer', checkCgroupPath(path));
    if (directory === undefined) return false;
    const state = await readControl(`${directory}/freezer.state`);
    return state !== undefined && state.trim() !== 'THAWED';
  }

  requireThawed(path: string): void {
    requireThawed(this.#freezers, checkCgroupPath(path));
  }

  async requireUnused(path: string): Promise<void> {
    this.requireThawed(path);
    await requireEmpty(this.#roots, checkOwnCgroupPath(path));
  }

  /**
   * The first round signals a running cgroup, which is enough nearly always; the next ones freeze it, so that a fork
   * bomb cannot outrun them. A cgroup that was paused is thawed: nothing frozen can die.
   */
  async kill(path: string): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    const freezer = this.#directory('freezer', relative);
    await killBelow(`${this.#listed}${relative}`, {
      before: async (round) => {
        if (round >= 3 && freezer !== undefined) await freeze(freezer);
      },
      after: async () => {
        if (freezer !== undefined) await thaw(freezer);
      },
    });
  }

  async remove(path: string): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    await Promise.all(this.#roots.map((root) => removeBelow(`${root}${relative}`)));
  }

  stats(path: string): Promise<CgroupStats | undefined> {
    const relative = checkCgroupPath(path);
    return statsV1((controller) => this.#directory(controller, relative));
  }

  details(path: string): Promise<CgroupDetails | undefined> {
    const relative = checkCgroupPath(path);
    return detailsV1((controller) => this.#directory(controller, relative));
  }

  async oomKills(path: string): Promise<number | undefined> {
    const directory = this.#directory('memory', checkCgroupPath(path));
    if (directory === undefined) return undefined;
    const control = await readControl(`${directory}/memory.oom_control`);
    return control === undefined ? undefined : flatKey(control, 'oom_kill');
  }

  directories(path: string): string[] {
    return [`${this.#listed}${checkCgroupPath(path)}`];
  }

  async attach(path: string, pid: number): Promise<void> {
    const relative = checkOwnCgroupPath(path);
    checkPid(pid);
    for (const root of this.#roots) await writeControl(`${root}${relative}/cgroup.procs`, String(pid));
  }

  #directory(controller: string, relative: string): string | undefined {
    const root = this.#controllers.get(controller);
    return root === undefined ? undefined : `${root}${relative}`;
  }
}

/** Writing 0 would move the writer itself (cgroups(7)). Throws INVALID_ARGUMENT. */
export function checkPid(pid: number): void {
  if (!Number.isSafeInteger(pid) || pid <= 0) {
    throw new CribError('INVALID_ARGUMENT', `pid ${pid} cannot be moved into a cgroup: it is no process id`);
  }
}

/** A new cpuset has neither cpus nor memory nodes and takes no process: they are copied down from the parent. */
async function inheritCpuset(root: string, relative: string): Promise<void> {
  let directory = root;
  for (const name of relative.slice(1).split('/')) {
    const parent = directory;
    directory = `${directory}/${name}`;
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (((await readControl(`${directory}/${file}`)) ?? 'gone').trim() !== '') continue;
      const inherited = ((await readControl(`${parent}/${file}`)) ?? '').trim();
      if (inherited !== '') await writeControl(`${directory}/${file}`, inherited);
    }
  }
}

async function freeze(directory: string): Promise<void> {
  if (!(await writeState(directory, 'FROZEN'))) return;
  for (let poll = 0; poll < FREEZE_POLLS; poll++) {
    const state = await readControl(`${directory}/freezer.state`);
    if (state?.trim() !== 'FREEZING') return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function thaw(directory: string): Promise<void> {
  await writeState(directory, 'THAWED');
}

/** False where the cgroup is gone: then there is nothing to kill either. */
async function writeState(directory: string, state: string): Promise<boolean> {
  try {
    await writeControl(`${directory}/freezer.state`, state);
    return true;
  } catch (error) {
    if (writeErrno(error) === 'ENOENT' || writeErrno(error) === 'ENODEV') return false;
    throw error;
  }
}
