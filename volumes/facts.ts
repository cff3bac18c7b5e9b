/** What the kernel says about the source of a mount. */

import fs from 'node:fs';
import { CribError, messageOf } from '../runtime/errors.js';
import { AT, O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2, splitDevice } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { dataRootOf } from './data-root.js';
import { mapperNameOf } from './device-mapper.js';
import type { Mounts, SourceMount } from './mount-table.js';
import { isDeleted, type Origin, originsOf } from './origin.js';
import { podVolumeAt, subPathVolume } from './pod-volume.js';
import type { DeviceFacts, MountFacts, PodVolume, VolumeContext } from './types.js';

/** A dead network file system answers nothing for ever. */
const LOOKUP_LIMIT_MS = 10_000;

export interface SourceFacts {
  readonly facts: MountFacts;
  /** The mount that the source lies on; undefined where the source is missing. */
  readonly mount: SourceMount | undefined;
}

/** What of the pod and the configuration is asked. */
export type FactsContext = Pick<VolumeContext, 'podUid' | 'roots'>;

/**
 * Resolves symlinks once, then opens the result without following any (RESOLVE_NO_SYMLINKS): type, file system and
 * mount are all of that one object, whatever is swapped meanwhile. A source that does not exist has the type `missing`;
 * a symlink to nothing is FAILED_PRECONDITION, because making a directory there would be a surprise.
 */
export async function gatherFacts(
  hostPath: string,
  containerPath: string,
  mounts: Mounts,
  context: FactsContext,
): Promise<SourceFacts> {
  const realPath = await withDeadline(realPathOf(hostPath), hostPath);
  if (realPath === undefined) return missing(hostPath, containerPath);
  const fd = openSource(realPath, hostPath);
  try {
    const stat = fs.fstatSync(fd);
    const type = typeOf(stat);
    const mount = await mounts.of(fd, realPath);
    const facts: MountFacts = {
      hostPath,
      realPath,
      containerPath,
      type,
      filesystemMagic: mount?.magic ?? (await magicOf(fd, hostPath)),
      mountPoint: mount?.mountPoint ?? '',
      device: mount?.device ?? '',
      node: type === 'block' || type === 'character' ? await deviceOf(stat.rdev, type) : undefined,
      volume: await volumeOf(realPath, mount, mounts, context),
      dataRoot: type === 'directory' ? await dataRootOf(realPath, context.roots.docker) : undefined,
      deleted: mount !== undefined && mount.mountPoint === realPath && isDeleted(mount),
    };
    return { facts, mount };
  } finally {
    fs.closeSync(fd);
  }
}

function missing(hostPath: string, containerPath: string): SourceFacts {
  const nothing = { node: undefined, volume: undefined, dataRoot: undefined, deleted: false };
  const place = { hostPath, realPath: hostPath, containerPath, mountPoint: '', device: '' };
  return { facts: { ...place, ...nothing, type: 'missing', filesystemMagic: 0 }, mount: undefined };
}

/** The volume of the pod that the source is in: by its path, else, for what a kubelet bound by subPath, by its origin. */
async function volumeOf(
  realPath: string,
  mount: SourceMount | undefined,
  mounts: Mounts,
  { podUid, roots }: FactsContext,
): Promise<PodVolume | undefined> {
  const here = podVolumeAt(realPath, podUid, roots.kubelet);
  if (here !== undefined) return { ...here, isMount: mount?.mountPoint === here.directory };
  const name = subPathVolume(realPath, podUid);
  if (name === undefined || mount === undefined) return undefined;
  return originalVolume(originsOf(realPath, mount, await mounts.table()), name, podUid);
}

function originalVolume(origins: readonly Origin[], name: string, podUid: string): PodVolume | undefined {
  for (const { path, mount } of origins) {
    const volume = podVolumeAt(path, podUid, []);
    if (volume?.name === name) return { ...volume, isMount: mount.mountPoint === volume.directory };
  }
  return undefined;
}

async function deviceOf(rdev: number, type: 'block' | 'character'): Promise<DeviceFacts> {
  const { major, minor } = splitDevice(rdev);
  return { major, minor, mapperName: type === 'block' ? await mapperNameOf(major, minor) : undefined };
}

async function magicOf(fd: number, hostPath: string): Promise<number> {
  const { type } = await withDeadline(fs.promises.statfs(`/proc/self/fd/${fd}`, { bigint: true }), hostPath);
  return Number(BigInt.asUintN(32, type));
}

async function realPathOf(hostPath: string): Promise<string | undefined> {
  try {
    return await fs.promises.realpath(hostPath);
  } catch (cause) {
    if (errnoName(cause) !== 'ENOENT') throw failed(hostPath, messageOf(cause), cause);
  }
  const link = await fs.promises.readlink(hostPath).catch(() => undefined);
  if (link === undefined) return undefined;
  throw failed(hostPath, `it is a symlink to ${link}, which does not exist`);
}

function openSource(realPath: string, hostPath: string): number {
  try {
    return openat2(AT.FDCWD, realPath, O.PATH, RESOLVE.NO_SYMLINKS);
  } catch (cause) {
    throw failed(hostPath, `it changed while it was looked at: ${messageOf(cause)}`, cause);
  }
}

function failed(hostPath: string, why: string, cause?: unknown): CribError {
  return new CribError('FAILED_PRECONDITION', `looking at host path ${hostPath}: ${why}`, { cause });
}

function typeOf(stat: fs.Stats): MountFacts['type'] {
  if (stat.isDirectory()) return 'directory';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isSocket()) return 'socket';
  return stat.isFIFO() ? 'fifo' : 'file';
}

async function withDeadline<T>(work: Promise<T>, hostPath: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const message = `looking at host path ${hostPath}: its file system did not answer in ${LOOKUP_LIMIT_MS} ms`;
    timer = setTimeout(() => reject(new CribError('DEADLINE_EXCEEDED', message)), LOOKUP_LIMIT_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
