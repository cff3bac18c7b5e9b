/**
 * What keeps a container from being made in a cgroup: processes that are none of its own, which its limits and its end
 * would meet too, and a freezer, in which what is started never runs (runc's create would wait for ever).
 */

import { statSync } from 'node:fs';
import { CribError } from '../errors.js';
import { readSmallFile } from '../small-files.js';
import { fewProcessesBelow, processesBelow } from './subtree.js';

/** How a hierarchy tells which cgroups somebody froze, and is told to thaw them. */
export interface Freezer {
  readonly root: string;
  /** This file of a cgroup holds 1 where it was frozen itself; all that is below it is frozen too. */
  readonly asked: string;
  readonly thaw: { readonly file: string; readonly value: string };
}

/** cgroup-v1/freezer-subsystem.rst */
export function freezerV1(root: string): Freezer {
  return { root, asked: 'freezer.self_freezing', thaw: { file: 'freezer.state', value: 'THAWED' } };
}

/** cgroup-v2.rst; also beside v1. A kernel before 5.2 has no such file, and freezes nothing. */
export function freezerV2(root: string): Freezer {
  return { root, asked: 'cgroup.freeze', thaw: { file: 'cgroup.freeze', value: '0' } };
}

/**
 * Throws FAILED_PRECONDITION, with the way out, where the cgroup or one above it is frozen or being frozen. `relative`
 * need not exist, and is empty for the root.
 */
export function requireThawed(freezers: readonly Freezer[], relative: string): void {
  const names = relative.split('/').slice(1);
  for (const { root, asked, thaw } of freezers) {
    for (let depth = 1; depth <= names.length; depth++) {
      const cgroup = `/${names.slice(0, depth).join('/')}`;
      const text = readSmallFile(`${root}${cgroup}/${asked}`);
      if (text === undefined) break; // what is below is not there either
      if (text.trim() !== '1') continue;
      throw new CribError(
        'FAILED_PRECONDITION',
        `cgroup ${cgroup} is frozen: nothing that is started in it would run; thaw it: echo ${thaw.value} > ${root}${cgroup}/${thaw.file}`,
      );
    }
  }
}

/** Throws FAILED_PRECONDITION where the cgroup has processes in one of the hierarchies (`roots`), itself or below. */
export async function requireEmpty(roots: readonly string[], relative: string): Promise<void> {
  for (const root of roots) {
    const directory = `${root}${relative}`;
    if (statSync(directory, { throwIfNoEntry: false }) === undefined) continue;
    const pids = fewProcessesBelow(directory) ?? (await processesBelow(directory));
    if (pids.length === 0) continue;
    throw new CribError(
      'FAILED_PRECONDITION',
      `cgroup ${relative} has ${pids.length} processes already (pid ${pids[0]} first, ${directory}/cgroup.procs), which a new container would be limited and ended with: end or move them`,
    );
  }
}
