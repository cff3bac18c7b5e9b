/**
 * How much each container has written to its root file system. A walk per stats call would cost as much as the
 * container has files, so a background scan walks one layer at a time and calls get its last answer.
 */

import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { FilesystemUsage } from '../runtime/images/types.js';
import { nowNs } from './clock.js';

/** Scans run only while someone asks. */
const IDLE_AFTER_MS = 120_000;
const INTERVAL_MS = 10_000;
/** Entries looked at before other work gets its turn, and per layer at the most. */
const BATCH = 64;
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
    this.#lastAsked = Date.now();
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
    for (const layer of this.#layers.values()) {
      const found = await scan(layer.upper);
      if (this.#closed) return;
      if (found !== undefined) layer.usage = this.#usageOf(found.bytes, found.inodes);
    }
    const idle = Date.now() - this.#lastAsked > IDLE_AFTER_MS;
    this.#timer = idle ? undefined : setTimeout(() => void this.#scanAll(), INTERVAL_MS).unref();
  }

  #usageOf(usedBytes: number, inodesUsed: number): FilesystemUsage {
    return { timestamp: nowNs(), mountpoint: this.#mountpoint, usedBytes, inodesUsed };
  }
}

/** Blocks and inodes below `root`; undefined when it is gone. What vanishes while it is read is not counted. */
async function scan(root: string): Promise<{ bytes: number; inodes: number } | undefined> {
  const pending = [root];
  let bytes = 0;
  let inodes = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entries = await list(directory);
    if (entries === undefined) {
      if (directory === root) return undefined;
      continue;
    }
    bytes += (await blocks(directory)) ?? 0;
    inodes += 1;
    for (let start = 0; start < entries.length; start += BATCH) {
      const batch = entries.slice(start, start + BATCH);
      const files = batch.filter((entry) => !entry.isDirectory());
      for (const entry of batch) if (entry.isDirectory()) pending.push(path.join(directory, entry.name));
      const sizes = await Promise.all(files.map((entry) => blocks(path.join(directory, entry.name))));
      for (const size of sizes) bytes += size ?? 0;
      inodes += files.length;
    }
    if (inodes > MAX_ENTRIES) break;
  }
  return { bytes, inodes };
}

async function list(directory: string): Promise<Dirent[] | undefined> {
  return fs.readdir(directory, { withFileTypes: true }).catch(() => undefined);
}

async function blocks(file: string): Promise<number | undefined> {
  return fs.lstat(file).then(
    (stat) => stat.blocks * 512,
    () => undefined,
  );
}
