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
import type { PodRecord } from '../pod-record.js';
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
export type SandboxShell = (pod: PodRecord, script: string, input: Buffer) => Promise<string>;

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

  /** Watches the volumes and fills their copies. Throws where that fails; then nothing is watched. */
  async start(pod: PodRecord, volumes: readonly CopiedVolume[]): Promise<void> {
    if (volumes.length === 0) return;
    try {
      await this.#watched(pod, volumes).fill();
    } catch (error) {
      this.stop(pod.id);
      throw error;
    }
  }

  /** Of copies that were filled before: those that show another tree than their original by now are brought up to it. */
  takeUp(pod: PodRecord, volumes: readonly CopiedVolume[]): void {
    if (volumes.length > 0) this.#watched(pod, volumes).changed();
  }

  /** Watched first: what changes while the copies are filled is seen. */
  #watched(pod: PodRecord, volumes: readonly CopiedVolume[]): PodCopies {
    this.stop(pod.id);
    const copies = new PodCopies(pod, volumes, this.#shell, this.#limits, this.#log);
    this.#pods.set(pod.id, copies);
    copies.watch();
    return copies;
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
  readonly #pod: PodRecord;
  readonly #volumes: readonly CopiedVolume[];
  readonly #shell: SandboxShell;
  readonly #limits: TreeLimits;
  readonly #log: Log;
  readonly #serial = new Serial();
  /** The dated directory that each copy shows; undefined until the sandbox has told. */
  #shown: Map<CopiedVolume, string> | undefined;
  readonly #watchers: fs.FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pollMs: number | undefined;
  #failures = 0;
  #pending = false;
  #stopped = false;

  constructor(pod: PodRecord, volumes: readonly CopiedVolume[], shell: SandboxShell, limits: TreeLimits, log: Log) {
    this.#pod = pod;
    this.#volumes = volumes;
    this.#shell = shell;
    this.#limits = limits;
    this.#log = log;
  }

  watch(): void {
    for (const volume of this.#volumes) this.#watch(volume);
  }

  /** For copies in a sandbox that is new: they show nothing. */
  async fill(): Promise<void> {
    this.#shown = new Map();
    await this.#serial.run(() => this.#handOn());
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
        { pod: this.#pod.id, directory, error: messageOf(error) },
        'a volume cannot be watched; it is polled',
      );
      this.#pollMs = POLL_MS;
      this.#schedule(POLL_MS);
    };
    try {
      const watcher = fs.watch(directory, { persistent: false }, () => this.changed());
      watcher.on('error', poll);
      this.#watchers.push(watcher);
    } catch (error) {
      poll(error);
    }
  }

  /** A swap is some ten events, and one check of the links. */
  changed(): void {
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
      { pod: this.#pod.id, error: messageOf(error) },
      'a changed volume could not be handed to its sandbox',
    );
    this.#schedule(Math.min(POLL_MS * 2 ** (this.#failures - 1), RETRY_MAX_MS));
  }

  #schedule(milliseconds: number | undefined): void {
    clearTimeout(this.#timer);
    if (milliseconds === undefined || this.#stopped) return;
    this.#timer = setTimeout(() => this.changed(), milliseconds).unref();
  }

  /** Of all that show another tree than their original, in one call. One that cannot be read does not hold up the others. */
  async #handOn(): Promise<void> {
    const shown = await this.#whatIsShown();
    const trees = new Map<CopiedVolume, WatchedTree>();
    let failure: unknown;
    for (const volume of this.#volumes) {
      try {
        const tree = await this.#changedTree(volume, shown.get(volume));
        if (tree !== undefined) trees.set(volume, tree);
      } catch (error) {
        failure = error;
      }
    }
    if (trees.size > 0) await this.#push(trees, shown);
    if (failure !== undefined) throw failure;
  }

  /** A tree that is shown already is not sent again: its files would be gone for a moment. */
  async #whatIsShown(): Promise<Map<CopiedVolume, string>> {
    if (this.#shown !== undefined) return this.#shown;
    const script = shownScript(this.#volumes.map(({ target }) => target));
    const lines = (await this.#shell(this.#pod, script, Buffer.alloc(0))).split('\n');
    this.#shown = new Map(this.#volumes.map((volume, index) => [volume, lines[index] ?? '']));
    return this.#shown;
  }

  async #changedTree(volume: CopiedVolume, shown: string | undefined): Promise<WatchedTree | undefined> {
    const dated = await datedDirectory(volume.directory);
    if (dated === undefined || dated === shown) return undefined;
    return readWatchedTree(volume.directory, this.#limits);
  }

  async #push(trees: ReadonlyMap<CopiedVolume, WatchedTree>, shown: Map<CopiedVolume, string>): Promise<void> {
    const swaps = [...trees].map(([{ target }, { dated, keys }]) => ({ target, dated, keys }));
    const script = swapScript(swaps);
    if (Buffer.byteLength(script) > MAX_SCRIPT_BYTES) {
      throw new CribError('RESOURCE_EXHAUSTED', `its keys have names of more than ${MAX_SCRIPT_BYTES} bytes together`);
    }
    this.#shown = undefined; // a call that fails may have done its work
    await this.#shell(this.#pod, script, writeTar([...trees].flatMap(members)));
    this.#shown = shown;
    for (const [volume, { dated }] of trees) shown.set(volume, dated);
  }
}

/** A single argument may have 128 KiB (execve(2), MAX_ARG_STRLEN). */
const MAX_SCRIPT_BYTES = 120_000;

/** Paths in the archive begin below the directory of all copies. */
function members([{ target }, { entries }]: [CopiedVolume, WatchedTree]) {
  return entries.map((entry) => ({ ...entry, path: path.join(path.basename(target), entry.path) }));
}
