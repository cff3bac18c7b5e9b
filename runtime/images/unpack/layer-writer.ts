/** Writes the entries of a layer's archive to disk, in the form that overlayfs takes for a lower directory. */

import fs from 'node:fs';
import { CribError } from '../../errors.js';
import { makeNodeAt, setTimesAt, setTimesOf } from '../../linux/byte-paths.js';
import { makeDevice } from '../../linux/files.js';
import { errnoName } from '../../linux/libc.js';
import type { TarEntry, TarSink } from '../tar/reader.js';
import { isWhiteout, makeOpaque, makeWhiteout, statOf } from './disk.js';
import { baseOf, checkedPath, hostile, join, normalise, onDisk, parentOf, shown } from './paths.js';
import type { Pending } from './protocol.js';
import { isTaken, Tree } from './tree.js';
import { applyXattrs } from './xattrs.js';

const BLOCK = 4096;
const SETID = 0o6000;
const MAX_PENDING_LINKS = 200_000;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, S_IFCHR, S_IFBLK, S_IFIFO } = fs.constants;

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly entry: TarEntry;
  /** Where the next bytes go; the file's size may be less, where a hole came last. */
  position: number;
}

export interface LayerTotals {
  readonly entries: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly pending: Pending;
}

export class LayerWriter implements TarSink {
  readonly #tree = new Tree();
  readonly #maxEntries: number;
  readonly #lowest: boolean;
  /** Link -> target, both real as far as this layer knows. */
  readonly #links = new Map<string, string>();
  #file: OpenFile | undefined;
  #entries = 0;
  #files = 0;
  #usedBytes = 0;

  /** `lowest`: no layer is below, so that there is nothing for a whiteout to hide. */
  constructor(maxEntries: number, lowest = false) {
    this.#maxEntries = maxEntries;
    this.#lowest = lowest;
  }

  entry(entry: TarEntry): void {
    this.#entries++;
    if (this.#entries > this.#maxEntries) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `unpack a layer: it has more than ${this.#maxEntries} entries, the configured limit`,
      );
    }
    const name = normalise(entry.path);
    if (baseOf(name).startsWith('.wh.')) {
      this.#whiteout(name);
      return;
    }
    if (name === '') {
      this.#root(entry);
      return;
    }
    const path = checkedPath(join(this.#tree.ensure(parentOf(name)), baseOf(name)));
    if (this.#links.size > 0) this.#links.delete(path);
    try {
      this.#make(entry, path);
    } catch (error) {
      throw explained(error, entry);
    }
  }

  data(piece: Buffer): void {
    if (this.#file === undefined) return;
    const { fd, position } = this.#file;
    let written = 0;
    while (written < piece.length) {
      written += fs.writeSync(fd, piece, written, piece.length - written, position + written);
    }
    this.#file.position += written;
  }

  hole(bytes: number): void {
    if (this.#file === undefined) return;
    this.#file.position += bytes;
    fs.ftruncateSync(this.#file.fd, this.#file.position);
  }

  end(): void {
    if (this.#file === undefined) return;
    const { fd, path, entry } = this.#file;
    this.#file = undefined;
    // Order: chown clears set-id bits, and writing clears security.capability.
    if (entry.uid !== 0 || entry.gid !== 0) {
      fs.fchownSync(fd, entry.uid, entry.gid);
      if ((entry.mode & SETID) !== 0) fs.fchmodSync(fd, entry.mode);
    }
    applyXattrs(onDisk(path), entry.xattrs);
    setTimesOf(fd, entry.mtimeSeconds, entry.mtimeNanoseconds);
    fs.closeSync(fd);
  }

  finish(): LayerTotals {
    const implicit = this.#tree.finish();
    const directories = this.#tree.size;
    // Those in a directory that something else has replaced went with it.
    const links = [...this.#links].filter(([path]) => statOf(onDisk(parentOf(path)))?.isDirectory() === true);
    return {
      entries: this.#entries,
      usedBytes: this.#usedBytes + directories * BLOCK,
      inodes: this.#files + directories,
      pending: { implicit, links: links.map(([path, target]) => ({ path, target })) },
    };
  }

  #make(entry: TarEntry, path: string): void {
    if (entry.type === 'directory') {
      this.#directory(entry, path);
      return;
    }
    this.#tree.forget(path);
    if (entry.type === 'link') {
      this.#link(entry, path);
      return;
    }
    if (entry.type === 'char' && entry.deviceMajor === 0 && entry.deviceMinor === 0) {
      this.#tree.clear(path);
      this.#hide(path);
      return;
    }
    this.#files++;
    if (entry.type === 'file') {
      this.#open(entry, path);
      return;
    }
    if (entry.type === 'symlink') this.#symlink(entry, path);
    else this.#node(entry, path);
    this.#finishSpecial(entry, path);
  }

  #open(entry: TarEntry, path: string): void {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const fd = this.#replacing(path, () => fs.openSync(onDisk(path), flags, entry.mode));
    this.#file = { fd, path, entry, position: 0 };
    this.#usedBytes += Math.ceil(entry.storedSize / BLOCK) * BLOCK;
  }

  #symlink(entry: TarEntry, path: string): void {
    if (entry.linkPath === '') throw hostile(`the symlink ${shown(entry.path)} has no target`);
    const target = Buffer.from(entry.linkPath, 'latin1');
    this.#replacing(path, () => fs.symlinkSync(target, onDisk(path)));
    if (target.length >= 60) this.#usedBytes += BLOCK;
  }

  #node(entry: TarEntry, path: string): void {
    const type = entry.type === 'char' ? S_IFCHR : entry.type === 'block' ? S_IFBLK : S_IFIFO;
    const device = makeDevice(entry.deviceMajor, entry.deviceMinor);
    this.#replacing(path, () => makeNodeAt(onDisk(path), type | entry.mode, device));
  }

  #finishSpecial(entry: TarEntry, path: string): void {
    const disk = onDisk(path);
    if (entry.uid !== 0 || entry.gid !== 0) {
      fs.lchownSync(disk, entry.uid, entry.gid);
      if ((entry.mode & SETID) !== 0 && entry.type !== 'symlink') fs.chmodSync(disk, entry.mode);
    }
    applyXattrs(disk, entry.xattrs);
    setTimesAt(disk, entry.mtimeSeconds, entry.mtimeNanoseconds);
  }

  /** A link to what this layer does not have is one to a lower layer's file: it is made when those are there. */
  #link(entry: TarEntry, path: string): void {
    const name = normalise(entry.linkPath);
    if (name === '') throw hostile(`the hard link ${shown(entry.path)} has no target`);
    const parent = this.#tree.lookup(parentOf(name));
    const target = parent === undefined ? name : join(parent, baseOf(name));
    const stat = parent === undefined ? undefined : statOf(onDisk(target));
    if (stat?.isDirectory() === true) throw hostile(`${shown(entry.path)} is a hard link to a directory`);
    if (stat !== undefined && target === path) return;
    const own = stat !== undefined && !isWhiteout(stat);
    if (own) {
      this.#replacing(path, () => fs.linkSync(onDisk(target), onDisk(path)));
      retouch(entry, path, stat);
      return;
    }
    this.#tree.clear(path);
    if (this.#links.size >= MAX_PENDING_LINKS)
      throw hostile(`it has more than ${MAX_PENDING_LINKS} hard links to other layers`);
    this.#links.set(path, target);
  }

  #directory(entry: TarEntry, path: string): void {
    const disk = onDisk(path);
    const mode = entry.mode & ~SETID;
    let fresh = true;
    try {
      fs.mkdirSync(disk, mode);
    } catch (error) {
      if (!isTaken(error)) throw error;
      fresh = this.#replaceByDirectory(entry, path);
    }
    if (entry.uid !== 0 || entry.gid !== 0 || !fresh) fs.lchownSync(disk, entry.uid, entry.gid);
    if (!fresh) fs.chmodSync(disk, mode);
    applyXattrs(disk, entry.xattrs);
    this.#record(path, entry, entry.mode);
  }

  /** True when a new directory was made, false when one was there already. */
  #replaceByDirectory(entry: TarEntry, path: string): boolean {
    const disk = onDisk(path);
    const stat = statOf(disk);
    if (stat?.isDirectory() === true) return false;
    this.#tree.clear(path);
    fs.mkdirSync(disk, entry.mode & ~SETID);
    if (stat !== undefined && isWhiteout(stat)) makeOpaque(disk);
    return true;
  }

  /**
   * An entry of the layer's own root directory, whose owner and mode are taken, but for one thing: all may read and search
   * it. containerd passes such entries over and Docker does not, so an archive made in a directory of mktemp's (0700) runs
   * as any user there, and must here. What is no directory is passed over.
   */
  #root(entry: TarEntry): void {
    if (entry.type !== 'directory') return;
    const mode = entry.mode | 0o555;
    fs.chownSync('/', entry.uid, entry.gid);
    fs.chmodSync('/', mode & ~SETID);
    applyXattrs('/', entry.xattrs);
    this.#record('', entry, mode);
  }

  /** A directory has its set-id bits when all is in it: until then its files would take its group. */
  #record(path: string, { mtimeSeconds, mtimeNanoseconds }: TarEntry, mode: number): void {
    this.#tree.record(path, mtimeSeconds, mtimeNanoseconds, (mode & SETID) === 0 ? undefined : mode);
  }

  /**
   * image-spec layer.md, "Whiteouts": they hide what lower layers have, never what this layer has itself. Where no layer is
   * below, several may have been made one, and what came before a whiteout goes, as in containerd.
   */
  #whiteout(name: string): void {
    const base = baseOf(name);
    if (base === '.wh..wh..opq') {
      const parent = onDisk(this.#tree.ensure(parentOf(name)));
      if (!this.#lowest) makeOpaque(parent);
      return;
    }
    if (base.startsWith('.wh..wh.')) return; // aufs' own files
    const hidden = base.slice('.wh.'.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw hostile(`${shown(name)} is a whiteout of no name`);
    const path = checkedPath(join(this.#tree.ensure(parentOf(name)), hidden));
    if (this.#lowest) {
      this.#tree.clear(path);
      this.#links.delete(path);
      return;
    }
    const stat = statOf(onDisk(path));
    if (stat === undefined && !this.#links.has(path)) {
      this.#hide(path);
    } else if (stat?.isDirectory() === true) {
      makeOpaque(onDisk(path));
      this.#tree.hidesLower(path);
    }
  }

  /** Hides what lower layers have at `path`, where this one has nothing. */
  #hide(path: string): void {
    if (this.#lowest) return;
    makeWhiteout(onDisk(path));
    this.#files++;
  }

  /** Makes a name; where it is taken, the later entry wins, as in every tar. */
  #replacing<T>(path: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!isTaken(error)) throw error;
      this.#tree.clear(path);
      return make();
    }
  }
}

/** As in containerd and Docker the last of a file's names says what it is like: tools take the attributes of each. */
function retouch(entry: TarEntry, path: string, stat: fs.Stats): void {
  const disk = onDisk(path);
  const owned = entry.uid === stat.uid && entry.gid === stat.gid;
  if (!owned) fs.lchownSync(disk, entry.uid, entry.gid);
  if (!stat.isSymbolicLink() && !(owned && (stat.mode & 0o7777) === entry.mode)) fs.chmodSync(disk, entry.mode);
  applyXattrs(disk, entry.xattrs);
  setTimesAt(disk, entry.mtimeSeconds, entry.mtimeNanoseconds);
}

function explained(error: unknown, entry: TarEntry): unknown {
  if (error instanceof CribError) return error;
  const errno = errnoName(error);
  const code =
    errno === 'ENOSPC' || errno === 'EDQUOT'
      ? 'RESOURCE_EXHAUSTED'
      : errno === 'ENAMETOOLONG'
        ? 'INVALID_ARGUMENT'
        : 'INTERNAL';
  const detail = error instanceof Error ? error.message : String(error);
  return new CribError(code, `unpack ${shown(entry.path)} (${entry.type}): ${detail}`, { cause: error });
}
