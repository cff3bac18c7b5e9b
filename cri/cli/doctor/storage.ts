/** What the file system of `--root` can do for containers: tried, for its name does not tell. */

import { closeSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { openIdMapped } from '../../../runtime/containers/id-mapped-layers.js';
import { mountRootfs, unmountRootfs } from '../../../runtime/containers/rootfs.js';
import { messageOf } from '../../../runtime/errors.js';
import { type Check, limited, missing, nearestExisting, ok } from './check.js';

/** Ids that a host hardly uses; any would do. */
const RANGE = [{ containerId: 0, hostId: 65536, length: 65536 }];
const OTHER_ROOT = 'give a directory on ext4, xfs or btrfs with --root';

export async function storageChecks(root: string): Promise<Check[]> {
  const there = await nearestExisting(root);
  const { bavail, bsize } = await fs.statfs(there);
  const free = `${((Number(bavail) * Number(bsize)) / 1e9).toFixed(1)} GB free`;
  try {
    return await tryIn(root, free, await fs.mkdtemp(path.join(there, '.crib-doctor-')));
  } catch (error) {
    return [missing('storage', `${root}: ${messageOf(error)}`, `run crib doctor as root, or ${OTHER_ROOT}`)];
  }
}

/** Removes `directory`, also when the trials fail. */
async function tryIn(root: string, free: string, directory: string): Promise<Check[]> {
  try {
    const why = await overlayObstacle(directory);
    const storage =
      why === undefined
        ? ok('storage', `${root}: ${free}, holds writable layers`)
        : missing('storage', `${root} cannot hold writable layers: ${why}`, OTHER_ROOT);
    return [storage, idMappedLayers(root, directory)];
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

/**
 * An overlay whose writable layer is in `directory`, with what overlayfs writes into one: a whiteout (a device node) and
 * an opaque directory (an extended attribute). undefined: it works.
 */
async function overlayObstacle(directory: string): Promise<string | undefined> {
  const lower = path.join(directory, 'lower');
  const paths = {
    upper: path.join(directory, 'upper'),
    work: path.join(directory, 'work'),
    target: path.join(directory, 'rootfs'),
  };
  await fs.mkdir(path.join(lower, 'opaque', 'below'), { recursive: true });
  await fs.writeFile(path.join(lower, 'gone'), '');
  try {
    await mountRootfs([lower], paths);
    await fs.rm(path.join(paths.target, 'gone'));
    await fs.rm(path.join(paths.target, 'opaque'), { recursive: true });
    await fs.mkdir(path.join(paths.target, 'opaque'));
    const left = await fs.readdir(path.join(paths.target, 'opaque'));
    return left.length === 0 ? undefined : 'a directory made anew shows what was below it (no extended attributes?)';
  } catch (error) {
    return messageOf(error);
  } finally {
    await unmountRootfs(paths.target);
  }
}

/** Pods in user namespaces get the layers with their own ids; newuidmap has no part in it, crib being root. */
function idMappedLayers(root: string, directory: string): Check {
  const what = 'id-mapped layers';
  try {
    closeSync(openIdMapped(directory, { uids: RANGE, gids: RANGE }));
    return ok(what, `the file system of ${root} can be id-mapped: images of pods in user namespaces`);
  } catch (error) {
    return limited(what, `no pods in user namespaces: ${messageOf(error)}`, OTHER_ROOT);
  }
}
