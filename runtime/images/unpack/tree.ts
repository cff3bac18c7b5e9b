/**
 * The directories of the layer being unpacked. Every parent of an entry is found here: made where the archive has no
 * entry of it, and looked through where it is a symlink of this layer. That is followed as in a container, with the
 * layer as the root directory: from there when it is absolute, and never above it (openat2(2), RESOLVE_IN_ROOT).
 */

import fs from 'node:fs';
import { CribError } from '../../errors.js';
import { setTimesAt } from '../../linux/byte-paths.js';
import { errnoName } from '../../linux/libc.js';
import { isWhiteout, makeOpaque, resetDirectory, statOf } from './disk.js';
import { baseOf, checkedPath, hostile, join, onDisk, parentOf, shown } from './paths.js';

interface DirectoryRecord {
  /** No entry of its own has been seen. */
  readonly implicit: boolean;
  readonly seconds: number;
  readonly nanoseconds: number;
  /** What it gets when all is in it. */
  readonly mode?: number | undefined;
}

/** One way through the directories: whether missing ones are made, and how many symlinks it has gone through. */
interface Walk {
  readonly make: boolean;
  links: number;
}

const IMPLICIT: DirectoryRecord = { implicit: true, seconds: 0, nanoseconds: 0 };
/** As the kernel has it for one path (fs/namei.c, MAXSYMLINKS). */
const MAX_SYMLINKS = 40;
/** Bytes of directory names held at a time: what bounds this process's memory. */
const MAX_NAME_BYTES = 256 << 20;
const MAX_REPLACED = 10_000;

export class Tree {
  readonly #records = new Map<string, DirectoryRecord>([['', IMPLICIT]]);
  /** Directory as named in the archive -> the same without symlinks; only what surely exists. */
  #real = new Map<string, string>([['', '']]);
  #nameBytes = 0;
  #replaced = 0;

  /** The real path of directory `path`, made where it is missing. Throws INVALID_ARGUMENT where it cannot be. */
  ensure(path: string): string {
    return this.#resolve(path, { make: true, links: 0 }) ?? '';
  }

  /** The same without making anything: undefined where it is missing. */
  lookup(path: string): string | undefined {
    return this.#resolve(path, { make: false, links: 0 });
  }

  /** Notes the entry of directory `path` (real): its time, and the mode to give it at the end where it has another now. */
  record(path: string, seconds: number, nanoseconds: number, mode?: number): void {
    this.#set(path, { implicit: false, seconds, nanoseconds, mode });
    this.#remember(path, path);
  }

  /** What stood at `path` (real) as a directory is one no more. */
  forget(path: string): void {
    this.#records.delete(path);
  }

  /** The directory `path` (real) hides the lower layers' one, so that nothing is to be taken from there. */
  hidesLower(path: string): void {
    if (this.#records.get(path)?.implicit === true) this.#set(path, { implicit: false, seconds: 0, nanoseconds: 0 });
  }

  /**
   * Removes what stands at `path` (real) to make room for something else. A directory goes with all that is in it.
   * Returns what it was; undefined when there was nothing.
   */
  clear(path: string): fs.Stats | undefined {
    const disk = onDisk(path);
    const stat = statOf(disk);
    if (stat === undefined) return undefined;
    if (!stat.isDirectory()) {
      fs.unlinkSync(disk);
      if (stat.isSymbolicLink()) this.#real = new Map([['', '']]);
      return stat;
    }
    this.#replaced++;
    if (this.#replaced > MAX_REPLACED)
      throw hostile(`it replaces more than ${MAX_REPLACED} directories by other files`);
    fs.rmSync(disk, { recursive: true });
    for (const known of this.#records.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#records.delete(known);
    }
    this.#real = new Map([['', '']]);
    return stat;
  }

  /**
   * Sets the directories' times, which is last because every entry made in one changes them. Returns the implicit ones,
   * which are left as they are to stay where no lower layer has them.
   */
  finish(): string[] {
    const implicit: string[] = [];
    for (const [path, record] of this.#records) {
      if (!record.implicit) {
        if (record.mode !== undefined) fs.chmodSync(onDisk(path), record.mode);
        setTimesAt(onDisk(path), record.seconds, record.nanoseconds);
        continue;
      }
      implicit.push(path);
      resetDirectory(onDisk(path));
    }
    return implicit;
  }

  get size(): number {
    return this.#records.size;
  }

  #resolve(path: string, walk: Walk): string | undefined {
    const known = this.#real.get(path);
    if (known !== undefined) return known;
    const parent = this.#resolve(parentOf(path), walk);
    if (parent === undefined) return undefined;
    const real = this.#step(join(parent, baseOf(path)), walk);
    if (real !== undefined) this.#remember(path, real);
    return real;
  }

  /** `path` is real but for its last part. */
  #step(path: string, walk: Walk): string | undefined {
    const disk = onDisk(checkedPath(path));
    const stat = statOf(disk);
    if (stat?.isDirectory() === true) return path;
    if (stat?.isSymbolicLink() === true) return this.#follow(path, walk);
    if (stat !== undefined && !isWhiteout(stat)) {
      if (!walk.make) return undefined;
      throw hostile(`it has entries under ${shown(path)}, which is not a directory`);
    }
    if (!walk.make) return undefined;
    if (stat !== undefined) fs.unlinkSync(disk);
    fs.mkdirSync(disk, 0o755);
    this.#set(path, IMPLICIT);
    if (stat === undefined) return path;
    makeOpaque(disk);
    this.hidesLower(path);
    return path;
  }

  #follow(link: string, walk: Walk): string | undefined {
    walk.links++;
    if (walk.links > MAX_SYMLINKS) throw hostile(`more than ${MAX_SYMLINKS} symlinks lead through ${shown(link)}`);
    const target = fs.readlinkSync(onDisk(link), 'latin1');
    let current: string | undefined = target.startsWith('/') ? '' : parentOf(link);
    for (const part of target.split('/')) {
      if (part === '' || part === '.') continue;
      current = part === '..' ? parentOf(current) : this.#step(join(current, part), walk);
      if (current === undefined) return undefined;
    }
    return current;
  }

  #set(path: string, record: DirectoryRecord): void {
    if (!this.#records.has(path)) this.#count(path);
    this.#records.set(path, record);
  }

  #remember(path: string, real: string): void {
    if (this.#real.size > 100_000) this.#real = new Map([['', '']]);
    this.#real.set(path, real);
  }

  #count(path: string): void {
    this.#nameBytes += path.length + 64;
    if (this.#nameBytes <= MAX_NAME_BYTES) return;
    throw new CribError(
      'RESOURCE_EXHAUSTED',
      'unpack a layer: its directory names take more memory than is allowed; it is refused',
    );
  }
}

/** Is this what mkdir(2), open(2) and the like say when the name is taken? */
export function isTaken(error: unknown): boolean {
  return errnoName(error) === 'EEXIST';
}
