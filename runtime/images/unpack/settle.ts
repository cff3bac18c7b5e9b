/**
 * Completes a layer from those below it, once they are complete. Layers are unpacked side by side, so two things have
 * to wait: the attributes of directories that the archive has no entry of, and hard links to files of lower layers
 * (copied up, as overlayfs does). Where a lower layer has a symlink or a file in the place of such a directory, the
 * directory hides it, as it does in Docker, containerd and CRI-O, which unpack each layer by itself too.
 */

import fs from 'node:fs';
import { CribError } from '../../errors.js';
import { getXattrAt, listXattrsAt, makeNodeAt, setTimesAt } from '../../linux/byte-paths.js';
import { isWhiteout, OPAQUE, resetDirectory, statOf, tryXattr } from './disk.js';
import { baseOf, hostile, join, onDisk, parentOf, shown } from './paths.js';
import type { Pending, SettleReport, SettleTask } from './protocol.js';

const MAX_SYMLINKS = 40;
const BLOCK = 4096;

/** What the lower layers together have at a path. */
type Found =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'directory' | 'other'; readonly root: string; readonly stat: fs.Stats };
const NOTHING: Found = { kind: 'nothing' };

/** Throws INVALID_ARGUMENT when the layers contradict each other, RESOURCE_EXHAUSTED over the limit. */
export function settle(task: Pick<SettleTask, 'layer' | 'lowers' | 'maxBytes'>, pending: Pending): SettleReport {
  return new Settling(task, pending).run(pending.links);
}

/**
 * The same for a layer of which nothing is pending but its root directory (`directory`, absolute), the usual case. It
 * touches no name that a layer has given, so it needs no process of its own. `lower` is the layer below, if there is one.
 */
export function settleRoot(directory: string, lower: string | undefined): void {
  if (lower === undefined) resetDirectory(directory);
  else copyAttributes(lower, directory);
}

class Settling {
  readonly #own: string;
  readonly #lowers: readonly string[];
  readonly #maxBytes: number;
  readonly #implicit: Set<string>;
  /** Hard links and their targets that this layer has by now. */
  readonly #copied = new Set<string>();
  /** Implicit directories where the lower layers have something else, and those in them. */
  readonly #hiding = new Set<string>();
  #bytes = 0;
  #inodes = 0;

  constructor(task: Pick<SettleTask, 'layer' | 'lowers' | 'maxBytes'>, pending: Pending) {
    this.#own = `/${task.layer}`;
    this.#lowers = task.lowers.map((lower) => `/${lower}`);
    this.#maxBytes = task.maxBytes;
    this.#implicit = new Set(pending.implicit);
  }

  run(links: Pending['links']): SettleReport {
    for (const { path, target } of links) this.#link(path, target);
    for (const path of this.#implicit) this.#adopt(path);
    return { addedBytes: this.#bytes, addedInodes: this.#inodes };
  }

  #disk(path: string) {
    return onDisk(path, this.#own);
  }

  /**
   * Gives an implicit directory what the topmost lower layer has there, be it behind a symlink that it hides; without one
   * it is 0755 root at the epoch. Parents come before what is in them.
   */
  #adopt(path: string): void {
    let real: string | undefined = path;
    let found = this.#below(path);
    if (found.kind === 'other' || this.#hiding.has(parentOf(path))) {
      this.#hiding.add(path);
      real = this.#resolve(path);
      found = real === undefined ? NOTHING : this.#below(real);
    }
    if (found.kind === 'directory' && real !== undefined) copyAttributes(onDisk(real, found.root), this.#disk(path));
    else resetDirectory(this.#disk(path));
  }

  /** What stands at `path` below this layer. Nothing, where a parent of this layer is opaque. */
  #below(path: string): Found {
    for (let parent = path; parent !== ''; ) {
      parent = parentOf(parent);
      if (isOpaque(this.#disk(parent))) return NOTHING;
    }
    return this.#inLowers(path);
  }

  #inLowers(path: string): Found {
    const parts = path === '' ? [] : path.split('/');
    let roots = this.#lowers;
    let current = '';
    for (const [index, part] of ['', ...parts].entries()) {
      current = index === 0 ? '' : join(current, part);
      const next: string[] = [];
      for (const root of roots) {
        const disk = onDisk(current, root);
        const stat = statOf(disk);
        if (stat === undefined) continue;
        if (!stat.isDirectory()) {
          if (next.length === 0 && index === parts.length && !isWhiteout(stat)) return { kind: 'other', root, stat };
          break;
        }
        next.push(root);
        if (isOpaque(disk)) break;
      }
      roots = next;
      if (next.length === 0) return NOTHING;
    }
    const [root] = roots;
    return root === undefined ? NOTHING : { kind: 'directory', root, stat: fs.lstatSync(onDisk(path, root)) };
  }

  /** Where `path` leads in the lower layers together, symlinks followed inside the image's root; undefined for a loop. */
  #resolve(path: string): string | undefined {
    const queue = path.split('/');
    let current = '';
    let links = 0;
    for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        current = parentOf(current);
        continue;
      }
      const next = join(current, part);
      const found = this.#below(next);
      if (found.kind !== 'other' || !found.stat.isSymbolicLink()) {
        current = next;
        continue;
      }
      links++;
      if (links > MAX_SYMLINKS) return undefined;
      const target = fs.readlinkSync(onDisk(next, found.root), 'latin1');
      if (target.startsWith('/')) current = '';
      queue.unshift(...target.split('/'));
    }
    return current;
  }

  /** Makes own directory `path` with its parents. */
  #ensure(path: string): void {
    if (path === '') return;
    const stat = statOf(this.#disk(path));
    if (stat?.isDirectory() === true) return;
    if (stat !== undefined) throw hostile(`it has entries under ${shown(path)}, which it removes itself`);
    this.#ensure(parentOf(path));
    keepingTimes(this.#disk(parentOf(path)), () => fs.mkdirSync(this.#disk(path), 0o755));
    this.#implicit.add(path);
    this.#inodes++;
    this.#bytes += BLOCK;
  }

  #link(path: string, target: string): void {
    const own = statOf(this.#disk(target));
    if (own !== undefined && !isWhiteout(own) && this.#copied.has(target)) {
      this.#linkOwn(path, target);
      return;
    }
    const parent = this.#resolve(parentOf(target));
    if (parent === undefined) throw hostile(`${shown(target)}, a hard link's target, lies behind a loop of symlinks`);
    const real = join(parent, baseOf(target));
    if (this.#copied.has(real)) {
      this.#linkOwn(path, real);
      return;
    }
    const found = this.#below(real);
    if (found.kind === 'nothing')
      throw hostile(`${shown(path)} is a hard link to ${shown(target)}, which no layer has`);
    if (found.kind === 'directory') throw hostile(`${shown(path)} is a hard link to a directory`);
    const source = onDisk(real, found.root);
    if (statOf(this.#disk(real)) !== undefined || real === path) {
      this.#copyUp(source, found.stat, path);
      return;
    }
    this.#ensure(parentOf(real));
    this.#copyUp(source, found.stat, real);
    this.#linkOwn(path, real);
  }

  #linkOwn(path: string, target: string): void {
    keepingTimes(this.#disk(parentOf(path)), () => fs.linkSync(this.#disk(target), this.#disk(path)));
    this.#copied.add(path);
  }

  #copyUp(source: string | Buffer, stat: fs.Stats, path: string): void {
    this.#inodes++;
    this.#bytes += Math.ceil(stat.size / BLOCK) * BLOCK;
    if (this.#bytes > this.#maxBytes) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `unpack a layer: its hard links into lower layers copy more than ${this.#maxBytes} bytes, the configured limit`,
      );
    }
    const disk = this.#disk(path);
    keepingTimes(this.#disk(parentOf(path)), () => {
      if (stat.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(source, 'buffer'), disk);
      else if (stat.isFile()) fs.copyFileSync(source, disk, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
      else makeNodeAt(disk, stat.mode, stat.rdev);
    });
    copyAttributes(source, disk);
    this.#copied.add(path);
  }
}

function isOpaque(disk: string | Buffer): boolean {
  try {
    return getXattrAt(disk, OPAQUE).equals(Buffer.from('y'));
  } catch {
    return false;
  }
}

/** Owner, mode, attributes and times; what belongs to overlayfs itself stays behind. */
function copyAttributes(from: string | Buffer, to: string | Buffer): void {
  const stat = fs.lstatSync(from, { bigint: true });
  fs.lchownSync(to, Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) fs.chmodSync(to, Number(stat.mode & 0o7777n));
  for (const name of listXattrsAt(from)) {
    if (!name.startsWith('trusted.overlay.')) tryXattr(to, name, getXattrAt(from, name));
  }
  setTime(to, stat.mtimeNs);
}

function setTime(disk: string | Buffer, ns: bigint): void {
  const billion = 1_000_000_000n;
  const rest = ((ns % billion) + billion) % billion;
  setTimesAt(disk, Number((ns - rest) / billion), Number(rest));
}

/** Does `change` in a directory and gives the directory its time of before. */
function keepingTimes(directory: string | Buffer, change: () => void): void {
  const { mtimeNs } = fs.lstatSync(directory, { bigint: true });
  change();
  setTime(directory, mtimeNs);
}
