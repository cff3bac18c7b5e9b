/**
 * This mount namespace's mounts. A node with hundreds of pods has thousands, so the kernel is asked for the one that a
 * file lies on where it can say (statmount(2)); the whole table is read at most once per request, and only if needed.
 */

import fs from 'node:fs/promises';
import { CribError } from '../runtime/errors.js';
import { type MountInfo, parseMountInfo } from '../runtime/linux/mountinfo.js';
import { type MountStatus, mountOfDescriptor } from '../runtime/linux/statmount.js';
import { isWithin } from './kind.js';

const CHUNK = 256 << 10;
/** The kernel allows 100,000 mounts per namespace (fs.mount-max); a line is some 200 bytes. */
const MAX_BYTES = 64 << 20;

export class MountTable {
  readonly entries: readonly MountInfo[];
  readonly #byId: ReadonlyMap<number, MountInfo>;

  constructor(entries: readonly MountInfo[]) {
    this.entries = entries;
    this.#byId = new Map(entries.map((entry) => [entry.id, entry]));
  }

  static async read(): Promise<MountTable> {
    return new MountTable(parseMountInfo(await readBounded('/proc/self/mountinfo')));
  }

  byId(id: number): MountInfo | undefined {
    return this.#byId.get(id);
  }

  /** The mount that a real path lies on: the longest mount point above it, the last one where several are stacked. */
  byPath(realPath: string): MountInfo | undefined {
    let found: MountInfo | undefined;
    for (const entry of this.entries) {
      if (!isWithin(realPath, entry.mountPoint)) continue;
      if (found === undefined || entry.mountPoint.length >= found.mountPoint.length) found = entry;
    }
    return found;
  }

  /** Mount points at or below a real path, those mounted last first: the order to unmount in. */
  below(realPath: string): string[] {
    return this.entries
      .map((entry) => entry.mountPoint)
      .filter((mountPoint) => isWithin(mountPoint, realPath))
      .reverse();
  }
}

/** What volumes ask of the mount of their source. The magic is known only where the kernel has statmount(2). */
export type SourceMount = Omit<MountStatus, 'magic'> & { readonly magic: number | undefined };

/** Mounts for one request. */
export class Mounts {
  readonly #ask: typeof mountOfDescriptor;
  #table: Promise<MountTable> | undefined;

  /** `ask` stands in for a kernel without statmount(2). */
  constructor(ask: typeof mountOfDescriptor = mountOfDescriptor) {
    this.#ask = ask;
  }

  table(): Promise<MountTable> {
    this.#table ??= MountTable.read();
    return this.#table;
  }

  /** The mount that the open file `fd` at `realPath` lies on. */
  async of(fd: number, realPath: string): Promise<SourceMount | undefined> {
    const told = this.#ask(fd);
    if (told !== undefined) return told;
    const table = await this.table();
    const found = table.byId(await mountIdOf(fd)) ?? table.byPath(realPath);
    return found === undefined ? undefined : { ...found, magic: undefined };
  }
}

/** `mnt_id` of proc_pid_fdinfo(5): exact also where mounts are stacked. */
async function mountIdOf(fd: number): Promise<number> {
  const text = await fs.readFile(`/proc/self/fdinfo/${fd}`, 'latin1');
  return Number(/^mnt_id:\s*(\d+)/m.exec(text)?.[1] ?? -1);
}

async function readBounded(path: string): Promise<string> {
  const handle = await fs.open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
      if (length > MAX_BYTES) throw new CribError('RESOURCE_EXHAUSTED', `${path} is larger than ${MAX_BYTES} bytes`);
    }
  } finally {
    await handle.close();
  }
}
