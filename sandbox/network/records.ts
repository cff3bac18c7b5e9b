/**
 * What each pod was given, one file a pod, written before it is given. Teardown and the address allocator know nothing
 * else: a record is the allocation.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { directoryOf } from '../../runtime/containers/ids.js';
import { makeDirectory, replaceFile } from '../../runtime/durable-file.js';
import type { Log } from '../../runtime/log.js';
import type { BridgeRecord } from './bridge/record.js';
import { isBridgeRecord } from './bridge/record.js';
import type { CniRecord } from './cni/record.js';
import { isCniRecord } from './cni/record.js';

export type NetworkRecord = CniRecord | BridgeRecord;

const SUFFIX = '.json';
const MAX_BYTES = 8 * 1024 * 1024;

export class NetworkRecords {
  readonly #directory: string;
  readonly #log: Log;
  readonly #records = new Map<string, NetworkRecord>();

  constructor(root: string, log: Log) {
    this.#directory = path.join(root, 'network');
    this.#log = log;
  }

  /** Reads them all. What cannot be read is set aside (`.unreadable`) and reported. */
  async load(): Promise<void> {
    await makeDirectory(this.#directory, 0o700);
    this.#records.clear();
    for (const name of await fs.readdir(this.#directory)) {
      const file = path.join(this.#directory, name);
      if (name.endsWith('.tmp')) await fs.rm(file, { force: true });
      if (!name.endsWith(SUFFIX)) continue;
      const podId = name.slice(0, -SUFFIX.length);
      // First saved without `durable`, and the power was cut.
      if ((await fs.stat(file)).size === 0) {
        await fs.rm(file, { force: true });
        continue;
      }
      try {
        this.#records.set(podId, await read(file, podId));
      } catch (error) {
        const aside = `${file}.unreadable`;
        this.#log.error({ file, aside, error: String(error) }, 'a network record cannot be read and was set aside');
        await fs.rename(file, aside);
      }
    }
  }

  get(podId: string): NetworkRecord | undefined {
    return this.#records.get(podId);
  }

  all(): readonly NetworkRecord[] {
    return [...this.#records.values()];
  }

  ids(): readonly string[] {
    return [...this.#records.keys()];
  }

  /**
   * Counts as given from this moment on, and survives kill -9 once the promise resolves; a power cut too where `durable`:
   * where what was given is more than the kernel forgets with a reboot.
   */
  async save(record: NetworkRecord, durable: boolean): Promise<void> {
    const file = this.#file(record.podId);
    const before = this.#records.get(record.podId);
    this.#records.set(record.podId, record);
    try {
      await replaceFile(file, JSON.stringify(record), durable);
    } catch (error) {
      if (before === undefined) this.#records.delete(record.podId);
      else this.#records.set(record.podId, before);
      throw error;
    }
  }

  async remove(podId: string): Promise<void> {
    await fs.rm(this.#file(podId), { force: true });
    this.#records.delete(podId);
  }

  #file(podId: string): string {
    return `${directoryOf(this.#directory, podId)}${SUFFIX}`;
  }
}

async function read(file: string, podId: string): Promise<NetworkRecord> {
  if ((await fs.stat(file)).size > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES} bytes`);
  const value: unknown = JSON.parse(await fs.readFile(file, 'utf8'));
  if ((isCniRecord(value) || isBridgeRecord(value)) && value.podId === podId) return value;
  throw new Error('not a record of this kind and version');
}
