/**
 * crun refuses a hybrid cgroup layout as long as cgroup2 has a controller ("drop all controllers from cgroupv2"). Here
 * each such controller gets a v1 hierarchy for as long as a test needs it.
 */
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { findHierarchies } from '../../runtime/cgroups/hierarchies.js';
import { messageOf } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { mount, unmount } from '../../runtime/linux/mounts.js';

const UNMOUNT_TRIES = 50;

/** Mounts what crun needs; nothing where it needs nothing. The result takes it back. Throws saying why it cannot be. */
export async function makeRoomForCrun(): Promise<() => Promise<void>> {
  const made: string[] = [];
  const undo = async () => {
    for (const directory of made.splice(0).reverse()) await takeAway(directory);
  };
  try {
    for (const controller of await controllersOfCgroup2()) {
      const directory = `/sys/fs/cgroup/${controller}`;
      await mkdir(directory);
      made.push(directory);
      mount('cgroup', directory, 'cgroup', 0, controller);
    }
  } catch (cause) {
    await undo();
    throw new Error(`crun cannot run here: ${explain(cause)}`, { cause });
  }
  return undo;
}

async function controllersOfCgroup2(): Promise<string[]> {
  const { version, unified } = findHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  if (version === 2 || unified === undefined) return [];
  const text = await readFile(`${unified}/cgroup.controllers`, 'utf8');
  return text.split(/\s+/).filter((name) => name !== '');
}

/** cgroups(7): hierarchies belong to the initial cgroup namespace; a controller with cgroups on v2 does not move. */
function explain(error: unknown): string {
  const why = `it needs every controller of cgroup2 on v1, and mounting one failed: ${messageOf(error)}`;
  const code = errnoName(error);
  if (code === 'EPERM') return `${why}. A cgroup namespace of its own may not make hierarchies: run this on the host`;
  return code === 'EBUSY' ? `${why}. Cgroups of cgroup2 use it (cgroup.subtree_control)` : why;
}

/** EBUSY for a moment after the last process has left. */
async function takeAway(directory: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      unmount(directory, 0);
    } catch (error) {
      if (errnoName(error) !== 'EBUSY' && errnoName(error) !== 'EINVAL') throw error;
      if (errnoName(error) === 'EBUSY' && attempt < UNMOUNT_TRIES) {
        await sleep(100);
        continue;
      }
    }
    await rmdir(directory);
    return;
  }
}
