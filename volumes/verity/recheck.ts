/**
 * A verified volume that a container has, looked at again: what the host changes in it after the check is seen. Whether
 * there is anything to hash again, the tree's stamp tells (tree-stamp.ts). All that is needed is in the container's record,
 * so a restart goes on where it was.
 */

import fs, { type FSWatcher } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { codeOf, messageOf } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { cloneSource } from '../clone-source.js';
import type { VolumeDecision } from '../types.js';
import { stampTree, type TreeStamp } from './tree-stamp.js';
import { hashed, mismatch, VerityError } from './verified-mount.js';
import type { WatchedVolume } from './watched-facts.js';

/** What cannot be looked at for a moment may be swapped just then; what stays so is no longer what was checked. */
const TRIES = 3;
/** Trouble of this process or machine, which says nothing of the volume. */
const OF_THE_HOST: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** So far behind the system's clock a ctime may be (ktime_get_coarse_real_ts64). */
const CLOCK_LAG_NS = 20_000_000n;

/** One volume of a container that is there. */
export class Recheck {
  readonly #place: string;
  readonly #watched: WatchedVolume;
  #stamp: string;
  #failures = 0;
  #directories: readonly string[] = [];
  readonly #watchers = new Map<string, FSWatcher>();

  /** undefined where the volume of the decision is none that is looked at again. */
  static of({ realPath, watched }: VolumeDecision): Recheck | undefined {
    return realPath === undefined || watched === undefined ? undefined : new Recheck(realPath, watched);
  }

  private constructor(place: string, watched: WatchedVolume) {
    this.#place = place;
    this.#watched = watched;
    this.#stamp = watched.stamp;
  }

  /**
   * Throws VerityError where it is not what it was any more; without a change, it costs a stat(2) of each entry. What
   * keeps it from being looked at is thrown as that after the third time, and before as it is. CANCELLED.
   */
  async run(signal?: AbortSignal): Promise<void> {
    try {
      await this.#look(signal);
      this.#failures = 0;
    } catch (error) {
      if (error instanceof VerityError || codeOf(error) === 'CANCELLED' || isOfTheHost(error)) throw error;
      this.#failures += 1;
      if (this.#failures < TRIES) throw error;
      throw this.#failure(`it cannot be looked at any more: ${messageOf(error)}`);
    }
  }

  /** Calls back when something seems to change in a directory that the last look found, until `close`. Only a hint. */
  watch(onHint: () => void): void {
    for (const directory of this.#directories) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = fs.watch(path.join(this.#place, directory), { persistent: false }, onHint);
        watcher.on('error', () => watcher.close());
        this.#watchers.set(directory, watcher);
      } catch {
        return; // no more watches are to be had (inotify(7)): the stamp tells, later
      }
    }
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #look(signal: AbortSignal | undefined): Promise<void> {
    const tree = this.#open();
    try {
      const stamp = await stampTree(tree, { since: BigInt(this.#watched.checkedAt) - CLOCK_LAG_NS, signal });
      this.#directories = stamp.directories;
      if (stamp.stamp !== '' && stamp.stamp === this.#stamp) return;
      await this.#compare(tree, stamp, signal);
      this.#stamp = stamp.stamp;
    } finally {
      await promisify(fs.close)(tree); // the kernel waits for a grace period
    }
  }

  /** A mount of its own, without what is mounted below, as the container's is. */
  #open(): number {
    let tree: number;
    try {
      tree = cloneSource(this.#place, false);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoName(error) ?? '')) throw error;
      throw this.#failure(`it is not at its path any more: ${messageOf(error)}`);
    }
    const { dev, ino } = fs.fstatSync(tree, { bigint: true });
    if (String(dev) === this.#watched.device && String(ino) === this.#watched.inode) return tree;
    fs.closeSync(tree);
    throw this.#failure('another file or directory is at its path now');
  }

  async #compare(tree: number, { changed }: TreeStamp, signal: AbortSignal | undefined): Promise<void> {
    const { request } = this.#watched;
    const options = { copyMaxBytes: 0, signal };
    const { rootHash } = await hashed(tree, request, options);
    if (rootHash === request.rootHash) return;
    const told = changed.length === 0 ? undefined : `since it was checked, ${some(changed)} changed`;
    throw new VerityError(request, await mismatch(tree, rootHash, this.#place, request, options, told));
  }

  #failure(why: string): VerityError {
    return new VerityError(this.#watched.request, why);
  }
}

function isOfTheHost(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (OF_THE_HOST.has(errnoName(cause))) return true;
  }
  return false;
}

function some(paths: readonly string[]): string {
  const told = paths.slice(0, 3).join(', ');
  return paths.length > 3 ? `${told} and others` : told;
}
