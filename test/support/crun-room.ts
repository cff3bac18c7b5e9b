/**
 * crun refuses a hybrid cgroup layout as long as cgroup2 has a controller ("drop all controllers from cgroupv2"). Here
 * each such controller gets a v1 hierarchy for as long as a test needs it. Where the kernel does not let it go, the file
 * that crun reads is covered by an empty one: crun then works without that controller.
 */
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findHierarchies } from '../../runtime/cgroups/hierarchies.js';
import { messageOf } from '../../runtime/errors.js';
import { MS } from '../../runtime/linux/constants.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { mount, unmount } from '../../runtime/linux/mounts.js';

type Undo = () => Promise<void>;

const TRIES = 20;

/** Mounts what crun needs; nothing where it needs nothing. The result takes it back. Throws saying why it cannot be. */
export async function makeRoomForCrun(): Promise<Undo> {
  const { version, unified } = findHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  if (version === 2 || unified === undefined) return async () => {};
  const file = join(unified, 'cgroup.controllers');
  const controllers = (await readFile(file, 'utf8')).split(/\s+/).filter((name) => name !== '');
  try {
    return await mountAll(controllers);
  } catch (error) {
    // EPERM: a cgroup namespace of its own may not make hierarchies. EBUSY: cgroups of cgroup2 have the controller.
    if (!['EPERM', 'EBUSY'].includes(errnoName(error) ?? '')) throw error;
    return cover(file).catch((cause: unknown) => {
      throw new Error(`crun cannot run here: ${messageOf(error)}; ${messageOf(cause)}`, { cause });
    });
  }
}

async function mountAll(controllers: readonly string[]): Promise<Undo> {
  const made: string[] = [];
  const undo = async () => {
    for (const directory of made.splice(0).reverse()) await takeAway(directory);
  };
  try {
    for (const controller of controllers) {
      const directory = `/sys/fs/cgroup/${controller}`;
      await mkdir(directory);
      made.push(directory);
      await patiently(() => mount('cgroup', directory, 'cgroup', 0, controller));
    }
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

async function cover(file: string): Promise<Undo> {
  const directory = await mkdtemp(join(tmpdir(), 'crib-crun-'));
  const removeDirectory = () => rm(directory, { recursive: true, force: true });
  try {
    const empty = join(directory, 'empty');
    await writeFile(empty, '');
    mount(empty, file, '', MS.BIND);
  } catch (error) {
    await removeDirectory();
    throw error;
  }
  return async () => {
    await patiently(() => unmount(file, 0));
    await removeDirectory();
  };
}

async function takeAway(directory: string): Promise<void> {
  await patiently(() => unmount(directory, 0)).catch((error: unknown) => {
    if (errnoName(error) !== 'EINVAL') throw error; // it was not mounted
  });
  await rmdir(directory);
}

/** EBUSY for a moment after the last process has left. */
async function patiently(operation: () => void): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      operation();
      return;
    } catch (error) {
      if (errnoName(error) !== 'EBUSY' || attempt === TRIES) throw error;
      await sleep(100);
    }
  }
}
