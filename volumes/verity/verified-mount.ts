/**
 * A volume that is mounted only if it is what it was said to be. The tree is checked through the very mount that the
 * container gets: a read-only copy of the volume's, which is attached nowhere yet and has nothing mounted in it, so no
 * path can be swapped between check and use. That the host changes a file afterwards a check alone does not hold: files
 * with fs-verity the kernel holds to it, a copy is held because nobody else has it, and what is watched is checked again
 * (recheck.ts).
 */

import fs from 'node:fs';
import { attempting, CribError, codeOf, messageOf } from '../../runtime/errors.js';
import { MOUNT_ATTR, MS } from '../../runtime/linux/constants.js';
import { makeTree, setMountAttributes } from '../../runtime/linux/mounts.js';
import { cloneSource } from '../clone-source.js';
import { differences } from './entry-list.js';
import type { VerityRequest } from './request.js';
import { copyTree } from './tree-copy.js';
import { hashTree, type TreeSummary } from './tree-hash.js';
import { type WatchedFacts, watchedFacts } from './watched-facts.js';

/** Also of a volume that somebody changes before anybody sees it, a program gets no rights and no device. */
const ATTRIBUTES = MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV;
const COPY_MAX_ENTRIES = 100_000;

/** A volume is not what its root hash says. `action` is what the pod wants to come of it. */
export class VerityError extends CribError {
  readonly action: VerityRequest['action'];

  constructor(request: VerityRequest, message: string) {
    super('DATA_LOSS', message);
    this.action = request.action;
  }
}

export interface VerifyOptions {
  readonly copyMaxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** A mount that is attached nowhere; the caller attaches and closes it. */
export interface VerifiedTree extends TreeSummary {
  readonly tree: number;
  /** Of one that is to be watched. */
  readonly watched?: WatchedFacts;
}

/**
 * Checks the file or directory at `realPath` and returns a mount of it, or of the copy that was checked. Throws
 * VerityError (DATA_LOSS) where it differs, RESOURCE_EXHAUSTED for a copy over the limit, CANCELLED, and
 * FAILED_PRECONDITION for what cannot be hashed or copied.
 */
export async function verify(realPath: string, request: VerityRequest, options: VerifyOptions): Promise<VerifiedTree> {
  const source = detach(realPath);
  const tree = request.hold !== 'copy' ? source : await copyOf(source, options).finally(() => fs.closeSync(source));
  try {
    const watched = request.hold === 'watch' ? { watched: await watchedFacts(tree, options.signal) } : {};
    const summary = await hashed(tree, request, options);
    if (summary.rootHash === request.rootHash) return { ...summary, ...watched, tree };
    throw new VerityError(request, await mismatch(tree, summary.rootHash, realPath, request, options));
  } catch (error) {
    fs.closeSync(tree);
    throw error;
  }
}

/** What is wrong, in words: by the list of entries where there is one, else `known`, else what finds it out. */
export async function mismatch(
  tree: number,
  found: string,
  realPath: string,
  { rootHash }: VerityRequest,
  { signal }: VerifyOptions,
  known?: string,
): Promise<string> {
  const what = fs.fstatSync(tree).isDirectory() ? await differences(tree, signal) : undefined;
  const told = what ?? known ?? `compare \`crib volume hash --entries ${realPath}\` with that of the original`;
  return `its root hash is ${found}, not ${rootHash}: ${told}`;
}

/** Without the mounts below it, so that none can come between. */
function detach(realPath: string): number {
  const tree = cloneSource(realPath, false);
  try {
    setMountAttributes(tree, { set: ATTRIBUTES | MOUNT_ATTR.RDONLY, propagation: MS.PRIVATE }, false);
    return tree;
  } catch (error) {
    fs.closeSync(tree);
    throw error;
  }
}

async function copyOf(source: number, { copyMaxBytes, signal }: VerifyOptions): Promise<number> {
  if (copyMaxBytes === 0) {
    throw new CribError('FAILED_PRECONDITION', 'hold: the configuration (verity_copy_max_bytes) allows no copies');
  }
  if (!fs.fstatSync(source).isDirectory()) {
    throw new CribError(
      'FAILED_PRECONDITION',
      'hold: only of a directory there is a copy; mount the directory it is in',
    );
  }
  const size = [
    ['size', String(copyMaxBytes)],
    ['nr_inodes', String(COPY_MAX_ENTRIES)],
  ] as const;
  const copy = makeTree('tmpfs', size, ATTRIBUTES);
  try {
    await copyTree(source, copy, signal);
    setMountAttributes(copy, { set: MOUNT_ATTR.RDONLY }, false);
    return copy;
  } catch (error) {
    fs.closeSync(copy);
    if (codeOf(error) !== 'RESOURCE_EXHAUSTED') throw error;
    throw attempting(`hold: a copy may have ${copyMaxBytes} bytes and ${COPY_MAX_ENTRIES} entries`, error);
  }
}

/** The kernel's own finding, on a file with fs-verity, is one like any other. */
export async function hashed(tree: number, request: VerityRequest, { signal }: VerifyOptions): Promise<TreeSummary> {
  try {
    return await hashTree(tree, signal === undefined ? {} : { signal });
  } catch (error) {
    if (codeOf(error) === 'DATA_LOSS') throw new VerityError(request, messageOf(error));
    throw error;
  }
}
