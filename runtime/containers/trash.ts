/**
 * Trees that are done with, removed behind the answer's back: a writable layer can have as many files as its container
 * cared to write. One rename takes it away whole; what a kill leaves here, the next start removes.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { atMost } from '../at-most.js';
import { makeDirectory } from '../durable-file.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import { removeTree } from '../remove-tree.js';

/** A start waits no longer for what is being removed when its predecessor closes. */
const CLOSE_MS = 5_000;

export class Trash {
  readonly #directory: string;
  readonly #log: Log;
  #count = 0;
  /** One at a time: removing is to disturb nobody. */
  #removing: Promise<void> = Promise.resolve();

  /** `directory`: on the file system of what is discarded. */
  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Makes the directory, and begins to remove what a kill has left in it. */
  async open(): Promise<void> {
    await makeDirectory(this.#directory, 0o700);
    for (const name of await fs.readdir(this.#directory)) this.#removeLater(path.join(this.#directory, name));
  }

  /**
   * True: `tree` is gone, and its blocks are free a little later. False where it is not there, or cannot be renamed (a
   * mount of its own, a full disk): the caller removes it where it is.
   */
  async take(tree: string): Promise<boolean> {
    const away = path.join(this.#directory, `${path.basename(tree)}.${process.pid}.${this.#count++}`);
    try {
      await fs.rename(tree, away);
    } catch {
      return false;
    }
    this.#removeLater(away);
    return true;
  }

  /** Waits for what is being removed, but not for long: the next start goes on with it. */
  async close(): Promise<void> {
    await atMost(this.#removing, CLOSE_MS);
  }

  #removeLater(tree: string): void {
    this.#removing = this.#removing.then(async () => {
      await answered();
      try {
        await removeTree(tree);
      } catch (error) {
        this.#log.warn(
          { tree, error: messageOf(error) },
          'what was discarded could not be removed; the next start will',
        );
      }
    });
  }
}

/** Who has discarded something is answered before it is removed. */
function answered(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
