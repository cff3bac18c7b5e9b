/** `crib volume hash`: prints the root hash of a tree, for the annotation roothash.verity.crib.dev (docs/verity.md). */

import fs from 'node:fs';
import { attempting } from '../../../runtime/errors.js';
import { entryLine, writeEntryList } from '../../../volumes/verity/entry-list.js';
import { hashTree, type TreeSummary } from '../../../volumes/verity/tree-hash.js';
import type { Invocation } from '../invocation.js';
import { humanSize, toJson } from '../output.js';

const TICK_MS = 200;

export interface VolumeHashOptions {
  /** Print the digest of each entry too. */
  readonly entries?: boolean;
  /** Write them to a file at the top first (entry-list.ts). */
  readonly writeList?: boolean;
}

/** Needs no daemon. Ctrl-C ends it. */
export async function volumeHash(invocation: Invocation, directory: string, options: VolumeHashOptions): Promise<void> {
  const list: { path: string; digest: string }[] = [];
  const onEntry = (path: string, digest: Buffer) => {
    if (options.entries !== true) return;
    if (invocation.json) list.push({ path, digest: digest.toString('hex') });
    else process.stdout.write(`${entryLine(path, digest)}\n`);
  };
  const fd = open(directory);
  try {
    if (options.writeList === true) await writeEntryList(fd);
    const summary = await hashWithProgress(fd, directory, onEntry);
    const json = { ...summary, ...(options.entries === true ? { list } : {}) };
    process.stdout.write(`${invocation.json ? toJson(json) : summary.rootHash}\n`);
  } finally {
    fs.closeSync(fd);
  }
}

function open(directory: string): number {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    throw attempting(`opening ${directory}`, error);
  }
}

async function hashWithProgress(
  fd: number,
  directory: string,
  onEntry: (path: string, digest: Buffer) => void,
): Promise<TreeSummary> {
  let bytes = 0;
  const show = () => process.stderr.write(`\r\x1b[Khashing ${directory}: ${humanSize(bytes)}`);
  const timer = process.stderr.isTTY ? setInterval(show, TICK_MS) : undefined;
  try {
    const onBytes = (read: number) => {
      bytes += read;
    };
    return await hashTree(fd, { onEntry, onBytes });
  } finally {
    clearInterval(timer);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}
