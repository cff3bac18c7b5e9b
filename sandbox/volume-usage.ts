/**
 * How much volumes hold, for people who look. A tree is walked in the background, one at a time, and only while someone
 * asks; a file system of its own knows without a walk.
 */

import fs from 'node:fs/promises';
import { atMost } from '../runtime/at-most.js';
import { treeUsage } from './tree-usage.js';

/** A figure this old is good enough; it is measured anew behind the answer. */
const FRESH_MS = 10_000;
const FORGET_MS = 120_000;
const MAX_ENTRIES = 200_000;

export interface Used {
  readonly bytes: number;
  /** False: the tree is larger than what was walked, and holds at least this. */
  readonly complete: boolean;
}

interface Tree {
  used: Used | undefined;
  /** Milliseconds of `performance.now()`. */
  measuredAt: number;
  askedAt: number;
  measuring: Promise<void> | undefined;
}

export class VolumeUsage {
  readonly #trees = new Map<string, Tree>();
  /** Walks wait for each other. */
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  /** Of a tmpfs or another file system that is mounted on `directory`; undefined where it does not say. */
  async ofFilesystem(directory: string): Promise<Used | undefined> {
    const stat = await fs.statfs(directory).catch(() => undefined);
    if (stat === undefined || stat.blocks === 0) return undefined;
    return { bytes: (stat.blocks - stat.bfree) * stat.bsize, complete: true };
  }

  /** The last known use of a tree. Where it is not known yet, waits for it for at most `waitMs`. */
  async ofTree(directory: string, waitMs: number): Promise<Used | undefined> {
    const now = performance.now();
    this.#forgetOld(now);
    const tree = this.#trees.get(directory) ?? newTree();
    this.#trees.set(directory, tree);
    tree.askedAt = now;
    if (now - tree.measuredAt > FRESH_MS) tree.measuring ??= this.#measure(directory, tree);
    if (tree.used === undefined && tree.measuring !== undefined) await atMost(tree.measuring, waitMs);
    return tree.used;
  }

  /** The walk in progress ends soon, and no other follows. */
  close(): void {
    this.#closed = true;
    this.#trees.clear();
  }

  #measure(directory: string, tree: Tree): Promise<void> {
    const wanted = () => !this.#closed && this.#trees.get(directory) === tree;
    const work = this.#queue.then(async () => {
      const found = wanted() ? await treeUsage(directory, MAX_ENTRIES, wanted) : undefined;
      tree.used = found === undefined ? undefined : { bytes: found.bytes, complete: found.complete };
      tree.measuredAt = performance.now();
      tree.measuring = undefined;
    });
    this.#queue = work;
    return work;
  }

  #forgetOld(now: number): void {
    for (const [directory, { askedAt }] of this.#trees) {
      if (now - askedAt > FORGET_MS) this.#trees.delete(directory);
    }
  }
}

function newTree(): Tree {
  return { used: undefined, measuredAt: Number.NEGATIVE_INFINITY, askedAt: 0, measuring: undefined };
}
