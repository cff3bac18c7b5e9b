/**
 * How much each container has written to its root file system. A walk per stats call would cost as much as the
 * container has files, so a background scan walks one layer at a time and calls get its last answer.
 */

import { nowNs } from '../runtime/clock.js';
import type { FilesystemUsage } from '../runtime/images/types.js';
import { treeUsage } from './tree-usage.js';

/** Scans run only while someone asks. */
const IDLE_AFTER_MS = 120_000;
const INTERVAL_MS = 10_000;
/** Per layer. */
const MAX_ENTRIES = 1_000_000;

interface Layer {
  readonly upper: string;
  usage: FilesystemUsage;
}

export class WritableLayers {
  readonly #mountpoint: string;
  readonly #layers = new Map<string, Layer>();
  #timer: NodeJS.Timeout | undefined;
  #lastAsked = 0;
  #closed = false;

  /** `mountpoint` is what the CRI calls their file system. */
  constructor(mountpoint: string) {
    this.#mountpoint = mountpoint;
  }

  /** The last known use of a container's layer; a new container counts as an empty directory until it is scanned. */
  usage(id: string, upper: string): FilesystemUsage {
    this.#lastAsked = performance.now();
    if (!this.#closed) this.#timer ??= setTimeout(() => void this.#scanAll(), 0).unref();
    let layer = this.#layers.get(id);
    if (layer === undefined) {
      layer = { upper, usage: this.#usageOf(4096, 1) };
      this.#layers.set(id, layer);
    }
    return layer.usage;
  }

  /** All layers together. */
  total(): FilesystemUsage {
    const layers = [...this.#layers.values()];
    const sum = (pick: (usage: FilesystemUsage) => number) => layers.reduce((all, { usage }) => all + pick(usage), 0);
    return this.#usageOf(
      sum((usage) => usage.usedBytes),
      sum((usage) => usage.inodesUsed),
    );
  }

  forget(id: string): void {
    this.#layers.delete(id);
  }

  /** A scan in progress ends after the layer that it is at, and no other follows. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #scanAll(): Promise<void> {
    for (const [id, layer] of this.#layers) {
      const found = await treeUsage(layer.upper, MAX_ENTRIES);
      if (this.#closed) return;
      if (found !== undefined) layer.usage = this.#usageOf(found.bytes, found.inodes);
      else this.#layers.delete(id); // asked for while it was removed
    }
    const idle = performance.now() - this.#lastAsked > IDLE_AFTER_MS;
    this.#timer = idle ? undefined : setTimeout(() => void this.#scanAll(), INTERVAL_MS).unref();
  }

  #usageOf(usedBytes: number, inodesUsed: number): FilesystemUsage {
    return { timestamp: nowNs(), mountpoint: this.#mountpoint, usedBytes, inodesUsed };
  }
}
