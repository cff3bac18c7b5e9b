/**
 * The shared directory of a sandbox: what a pod with a kernel of its own may see of the host.
 *
 * ```
 * <directory>      a tmpfs, private: nothing that is mounted in it shows in another mount namespace by chance
 *   mounts/        a peer group of its own: the host attaches finished mounts here
 *   shared/        a read-only copy of mounts/, and its slave: what the guest is given
 * ```
 * What is staged in mounts/ appears in shared/ with its own flags: a writable volume stays writable below a top that is
 * read-only. Nothing goes the other way. A guest, and what serves it, gets `shared` alone, without CAP_SYS_ADMIN over
 * this mount namespace (with it, it could remount the top): it can change what is in a volume that is mounted writable,
 * and never make, replace or remove an entry at the top.
 *
 * A mount is made whole before anybody sees it: open_tree(2) copies it, mount_setattr(2) makes it read-only, move_mount(2)
 * attaches it. A remount afterwards would not reach the mount namespace of a server that runs already.
 *
 * For a backend: `open` in prepare; `stage` what a container needs, and name the paths that it returns in the container's
 * specification; `unstage` when the container is removed; `close` in release, which also takes down what a crash left.
 * A server of its own mount namespace (virtiofsd, a gofer) must keep what it has of it a slave, as unshare(1) does with
 * `--propagation slave`; then entries come and go there too.
 */

import fs from 'node:fs';
import path from 'node:path';
import type { MountPropagation } from '../../runtime/containers/config.js';
import { isId } from '../../runtime/containers/ids.js';
import { CribError, messageOf } from '../../runtime/errors.js';
import { MOUNT_ATTR, MS, O } from '../../runtime/linux/constants.js';
import { openEntryIn, pathIn } from '../../runtime/linux/descriptor-paths.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { attachTree, cloneTree, makeTree, setMountAttributes } from '../../runtime/linux/mounts.js';
import type { Watch } from './attack.js';
import { attachEntry, detachEntry, isMountedEntry, type OpenDirectory } from './entries.js';

/** It holds mount points alone, directories and empty files: next to no content, and a bounded number of them. */
const OPTIONS = [
  ['mode', '0700'],
  ['size', '4096'],
  ['nr_inodes', '10000'],
] as const;

export interface StagedMount {
  readonly readonly: boolean;
  /** Also what is mounted below it (Linux 5.12, mount_setattr(2)). */
  readonly recursiveReadOnly?: boolean;
  /** Leaves out the mounts below it. */
  readonly alone?: boolean;
  /** Of what is mounted below the source later; `bidirectional` is not to be had across a guest's border. */
  readonly propagation: Exclude<MountPropagation, 'bidirectional'>;
}

export class SharedDirectory {
  readonly #directory: string;
  readonly #watch: Watch;

  /** `directory` is the sandbox's own, in a directory of crib's. Nothing is made yet. */
  constructor(directory: string, watch: Watch) {
    this.#directory = directory;
    this.#watch = watch;
  }

  /** What the guest is given. */
  get shared(): string {
    return path.join(this.#directory, 'shared');
  }

  /** Makes it, in half a millisecond. Idempotent; what a crash left half made is made anew. */
  async open(): Promise<void> {
    if (this.#isMounted('shared')) return;
    await this.close();
    fs.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const tree = makeTree('tmpfs', OPTIONS, MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC);
    try {
      for (const name of ['mounts', 'shared']) fs.mkdirSync(pathIn(tree, name), { mode: 0o711 });
      using(this.#openParent(), ({ fd }) => attachAt(tree, fd, this.#name));
      setMountAttributes(tree, { propagation: MS.PRIVATE }, false);
      attachPair(tree);
    } finally {
      fs.closeSync(tree);
    }
  }

  /**
   * Shows the guest the file or directory that `source` (a descriptor, which the caller closes) was opened on, and
   * returns the path of it in `shared`: one that nobody but crib can make mean something else. Throws ALREADY_EXISTS for
   * an entry that is there, and what the kernel says where it cannot be mounted; nothing is left then.
   */
  stage(entry: string, source: number, mount: StagedMount): string {
    checkEntry(entry);
    const tree = cloneTree(source, '', mount.alone !== true);
    try {
      setMountAttributes(tree, { propagation: mount.propagation === 'private' ? MS.PRIVATE : MS.SLAVE }, true);
      if (mount.readonly) setMountAttributes(tree, { set: MOUNT_ATTR.RDONLY }, mount.recursiveReadOnly === true);
      using(this.#openMounts(), (mounts) => attachEntry(mounts, entry, tree));
    } finally {
      fs.closeSync(tree);
    }
    return path.join(this.shared, entry);
  }

  /**
   * Takes an entry out, for the guest too. Nothing there is no error. A guest that has a file of it open keeps its file
   * system busy until it lets go.
   */
  async unstage(entry: string): Promise<void> {
    checkEntry(entry);
    if (this.#isMounted('mounts')) await this.#detach(this.#openMounts(), entry);
  }

  entries(): string[] {
    return this.#isMounted('mounts') ? using(this.#openMounts(), ({ fd }) => fs.readdirSync(pathIn(fd))) : [];
  }

  /**
   * Takes down everything, also what a crash left half made. Idempotent. An entry that cannot be taken out keeps no other
   * from it; FAILED_PRECONDITION names all of those, and the directory stays for the next attempt.
   */
  async close(): Promise<void> {
    const failures: string[] = [];
    for (const entry of this.entries()) {
      try {
        await this.#detach(this.#openMounts(), entry);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length > 0) {
      throw new CribError('FAILED_PRECONDITION', `taking down ${this.#directory}: ${failures.join('; ')}`);
    }
    if (fs.existsSync(path.dirname(this.#directory))) await this.#detach(this.#openParent(), this.#name);
  }

  #isMounted(name: 'mounts' | 'shared'): boolean {
    try {
      return using(this.#openDirectory(), (directory) => isMountedEntry(directory, name));
    } catch (error) {
      // Not made yet, or something else was put in its place, which `close` tells of.
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoName(error) ?? '')) return false;
      throw error;
    }
  }

  async #detach(above: OpenDirectory, entry: string): Promise<void> {
    try {
      await detachEntry(above, entry, this.#watch);
    } finally {
      fs.closeSync(above.fd);
    }
  }

  /** The caller closes these three. */
  #openMounts(): OpenDirectory {
    return using(this.#openDirectory(), (directory) => openBelow(directory, 'mounts'));
  }

  #openDirectory(): OpenDirectory {
    return using(this.#openParent(), (parent) => openBelow(parent, this.#name));
  }

  /** The parent is crib's own; it may be reached by a symlink that the node's administrator has made. */
  #openParent(): OpenDirectory {
    const parent = path.dirname(this.#directory);
    return { fd: fs.openSync(parent, O.PATH | O.DIRECTORY | O.CLOEXEC), path: parent };
  }

  get #name(): string {
    return path.basename(this.#directory);
  }
}

/** A bind mount of `mounts` on itself, in a peer group of its own; then its read-only slave. */
function attachPair(tmpfs: number): void {
  const mounts = closing(openEntryIn(tmpfs, 'mounts', false), (fd) => cloneTree(fd, '', false));
  try {
    setMountAttributes(mounts, { propagation: MS.SHARED }, false);
    attachAt(mounts, tmpfs, 'mounts');
    const shared = cloneTree(mounts, '', false);
    try {
      setMountAttributes(shared, { set: MOUNT_ATTR.RDONLY, propagation: MS.SLAVE }, false);
      attachAt(shared, tmpfs, 'shared');
    } finally {
      fs.closeSync(shared);
    }
  } finally {
    fs.closeSync(mounts);
  }
}

function attachAt(tree: number, directory: number, name: string): void {
  closing(openEntryIn(directory, name, false), (point) => attachTree(tree, point, ''));
}

function closing<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** `use` is synchronous. */
function using<T>(directory: OpenDirectory, use: (directory: OpenDirectory) => T): T {
  return closing(directory.fd, () => use(directory));
}

/** With the mount that is there. */
function openBelow({ fd, path: above }: OpenDirectory, name: string): OpenDirectory {
  return { fd: openEntryIn(fd, name, true), path: `${above}/${name}` };
}

function checkEntry(entry: string): void {
  if (isId(entry)) return;
  throw new CribError('INVALID_ARGUMENT', `"${entry}" is no name of an entry of a shared directory`);
}
