/**
 * Durable records: one directory an object, one `state.json` in it. A record is written beside, synced and renamed,
 * so a reader sees the old one or the new one whole; what cannot be read is set aside and reported, never guessed at.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory, replaceFile } from '../durable-file.js';
import { errnoName } from '../linux/libc.js';
import type { Log } from '../log.js';
import { removeTree } from '../remove-tree.js';
import { directoryOf, isId } from './ids.js';
import type { Trash } from './trash.js';

const FILE = 'state.json';
const MAX_BYTES = 16 * 1024 * 1024;

export class Records<T extends { readonly id: string }> {
  readonly #root: string;
  readonly #log: Log;
  readonly #valid: (value: unknown) => value is T;
  readonly #trash: Trash | undefined;

  /**
   * `valid` tells a record of this kind and version from anything else that may lie there; `trash` is for objects whose
   * directories have more than a record in them.
   */
  constructor(root: string, log: Log, valid: (value: unknown) => value is T, trash?: Trash) {
    this.#root = root;
    this.#log = log;
    this.#valid = valid;
    this.#trash = trash;
  }

  /** The object's own directory, where its other files lie. */
  directory(id: string): string {
    return directoryOf(this.#root, id);
  }

  /** `durable` as for replaceFile: false where a power cut undoes what the record is of, too. */
  async save(record: T, durable = true): Promise<void> {
    const directory = this.directory(record.id);
    try {
      await replaceFile(path.join(directory, FILE), JSON.stringify(record), durable);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
      await makeDirectory(directory, 0o700);
      await replaceFile(path.join(directory, FILE), JSON.stringify(record), durable);
    }
  }

  /** Removes the record alone: what is left of the directory is an orphan. Idempotent. */
  async forget(id: string): Promise<void> {
    await fs.unlink(path.join(this.directory(id), FILE)).catch((error: unknown) => {
      if (errnoName(error) !== 'ENOENT') throw error;
    });
  }

  /** Removes the object's directory with all that is in it, whatever a container has left there. Idempotent. */
  async remove(id: string): Promise<void> {
    const directory = this.directory(id);
    if (await this.#trash?.take(directory)) return; // with the record, in one step
    await this.forget(id);
    await fs.rmdir(directory).catch(() => removeTree(directory)); // nearly always empty, where there is no trash
  }

  /** Every record that can be read; `orphans` are directories without one, left by a crash while they were made. */
  async load(): Promise<{ records: T[]; orphans: string[] }> {
    await makeDirectory(this.#root, 0o700);
    const records: T[] = [];
    const orphans: string[] = [];
    for (const entry of await fs.readdir(this.#root, { withFileTypes: true })) {
      if (!entry.isDirectory() || !isId(entry.name)) continue;
      const record = await this.#read(entry.name);
      if (record === undefined) orphans.push(entry.name);
      else if (record !== 'set aside') records.push(record);
    }
    return { records, orphans };
  }

  async #read(id: string): Promise<T | 'set aside' | undefined> {
    const file = path.join(this.#root, id, FILE);
    try {
      const { size } = await fs.stat(file);
      if (size === 0) return undefined; // first saved without `durable`, and the power was cut
      if (size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`);
      const value: unknown = JSON.parse(await fs.readFile(file, 'utf8'));
      if (!this.#valid(value) || value.id !== id) throw new Error('not a record of this kind and version');
      return value;
    } catch (error) {
      if (errnoName(error) === 'ENOENT') return (await isSetAside(path.join(this.#root, id))) ? 'set aside' : undefined;
      const aside = `${file}.unreadable`;
      this.#log.error({ file, aside, error: String(error) }, 'a record cannot be read and was set aside');
      await fs.rename(file, aside);
      return 'set aside';
    }
  }
}

async function isSetAside(directory: string): Promise<boolean> {
  return (await fs.readdir(directory)).includes(`${FILE}.unreadable`);
}
