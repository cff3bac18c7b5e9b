/**
 * Copies of configMaps, secrets, projected and downwardAPI volumes inside a sandbox. What a sandbox sees of the host
 * shows new content but fires no inotify; a copy in the sentry's memory does. cribd watches the originals and hands on
 * whole `..data` swaps.
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import { Serial } from '../../runtime/serial.js';
import { writeTar } from '../../runtime/tar-writer.js';
import { datedDirectory, readWatchedTree, type TreeLimits, type WatchedTree } from '../../volumes/watched-tree.js';
import { shownScript, swapScript } from './swap-script.js';

/** Where no watch can be had (inotify(7), ENOSPC), and after a failure. */
const POLL_MS = 1000;
const RETRY_MAX_MS = 30_000;
/** A volume that has grown since the sandbox was made is handed on all the same, up to a point. */
const GROWTH = 4;

/** One original and the directory of its copy in the root container. */
export interface CopiedVolume {
  readonly directory: string;
  readonly target: string;
}

/** Runs a script in the sandbox's root container, as root; returns what it printed. */
export type SandboxShell = (podId: string, script: string, input: Buffer) => Promise<string>;

export class WatchedCopies {
  readonly #shell: SandboxShell;
  readonly #limits: TreeLimits;
  readonly #log: Log;
  readonly #pods = new Map<string, PodCopies>();

  constructor(shell: SandboxShell, limits: TreeLimits, log: Log) {
    this.#shell = shell;
    this.#limits = { bytes: limits.bytes * GROWTH, entries: limits.entries * GROWTH };
    this.#log = log;
  }

  /** Watches the volumes, and fills those copies that show another tree than their original. Throws what the first filling does. */
  async start(podId: string, volumes: readonly CopiedVolume[]): Promise<void> {
    if (volumes.length === 0) return;
    const copies = new PodCopies(podId, volumes, this.#shell, this.#limits, this.#log);
    this.#pods.get(podId)?.stop();
    this.#pods.set(podId, copies);
    try {
      await copies.start();
    } catch (error) {
      this.stop(podId);
      throw error;
    }
  }

  stop(podId: string): void {
    this.#pods.get(podId)?.stop();
    this.#pods.delete(podId);
  }

  close(): void {
    for (const podId of [...this.#pods.keys()]) this.stop(podId);
  }
}

class PodCopies {
  readonly #podId: string;
  readonly #volumes: readonly CopiedVolume[];
  readonly #shell: SandboxShell;
  readonly #limits: TreeLimits;
  readonly #log: Log;
  readonly #serial = new Serial();
  readonly #shown = new Map<CopiedVolume, string>();
  readonly #watchers: fs.FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pollMs: number | undefined;
  #failures = 0;
  #pending = false;
  #stopped = false;

  constructor(podId: string, volumes: readonly CopiedVolume[], shell: SandboxShell, limits: TreeLimits, log: Log) {
    this.#podId = podId;
    this.#volumes = volumes;
    this.#shell = shell;
    this.#limits = limits;
    this.#log = log;
  }

  /** Watched first: what changes while the copies are filled is seen. */
  async start(): Promise<void> {
    for (const volume of this.#volumes) this.#watch(volume);
    await this.#serial.run(async () => {
      const script = shownScript(this.#volumes.map(({ target }) => target));
      const shown = (await this.#shell(this.#podId, script, Buffer.alloc(0))).split('\n');
      for (const [index, volume] of this.#volumes.entries()) this.#shown.set(volume, shown[index] ?? '');
      await this.#handOn();
    });
    this.#schedule(this.#pollMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch({ directory }: CopiedVolume): void {
    const poll = (error: unknown) => {
      this.#log.warn(
        { pod: this.#podId, directory, error: messageOf(error) },
        'a volume cannot be watched; it is polled',
      );
      this.#pollMs = POLL_MS;
    };
    try {
      const watcher = fs.watch(directory, { persistent: false }, () => this.#changed());
      watcher.on('error', poll);
      this.#watchers.push(watcher);
    } catch (error) {
      poll(error);
    }
  }

  /** A swap is some ten events, and one check of the links. */
  #changed(): void {
    if (this.#pending || this.#stopped) return;
    this.#pending = true;
    void this.#serial.run(async () => {
      this.#pending = false;
      if (this.#stopped) return;
      try {
        await this.#handOn();
        this.#failures = 0;
        this.#schedule(this.#pollMs);
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    this.#failures += 1;
    this.#log.warn(
      { pod: this.#podId, error: messageOf(error) },
      'a changed volume could not be handed to its sandbox',
    );
    this.#schedule(Math.min(POLL_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS));
  }

  #schedule(milliseconds: number | undefined): void {
    clearTimeout(this.#timer);
    if (milliseconds === undefined || this.#stopped) return;
    this.#timer = setTimeout(() => this.#changed(), milliseconds).unref();
  }

  /** Of all that show another tree than their original, in one call. One that cannot be read does not hold up the others. */
  async #handOn(): Promise<void> {
    const trees = new Map<CopiedVolume, WatchedTree>();
    let failure: unknown;
    for (const volume of this.#volumes) {
      try {
        const tree = await this.#changedTree(volume);
        if (tree !== undefined) trees.set(volume, tree);
      } catch (error) {
        failure = error;
      }
    }
    if (trees.size > 0) await this.#push(trees);
    if (failure !== undefined) throw failure;
  }

  async #changedTree(volume: CopiedVolume): Promise<WatchedTree | undefined> {
    const dated = await datedDirectory(volume.directory);
    if (dated === undefined || dated === this.#shown.get(volume)) return undefined;
    return readWatchedTree(volume.directory, this.#limits);
  }

  async #push(trees: ReadonlyMap<CopiedVolume, WatchedTree>): Promise<void> {
    const swaps = [...trees].map(([{ target }, { dated, keys }]) => ({ target, dated, keys }));
    const script = swapScript(swaps);
    if (Buffer.byteLength(script) > MAX_SCRIPT_BYTES) {
      throw new CribError('RESOURCE_EXHAUSTED', `its keys have names of more than ${MAX_SCRIPT_BYTES} bytes together`);
    }
    await this.#shell(this.#podId, script, writeTar([...trees].flatMap(members)));
    for (const [volume, { dated }] of trees) this.#shown.set(volume, dated);
  }
}

/** A single argument may have 128 KiB (execve(2), MAX_ARG_STRLEN). */
const MAX_SCRIPT_BYTES = 120_000;

/** Paths in the archive begin below the directory of all copies. */
function members([{ target }, { entries }]: [CopiedVolume, WatchedTree]) {
  return entries.map((entry) => ({ ...entry, path: path.join(path.basename(target), entry.path) }));
}
