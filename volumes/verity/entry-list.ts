/**
 * The digests of all entries of a tree, in a file at its top: `.crib-verity`, which the root hash covers like any other.
 * A root hash alone says that something differs; with the list a message can say what. Nothing is trusted because of it.
 */

import fs from 'node:fs/promises';
import { CribError } from '../../runtime/errors.js';
import { O } from '../../runtime/linux/constants.js';
import { pathIn } from '../../runtime/linux/descriptor-paths.js';
import { hashTree } from './tree-hash.js';

export const ENTRY_LIST = '.crib-verity';
const MAX_LIST_BYTES = 16 << 20;
const MAX_TOLD = 3;

/** A line of the list, and of `crib volume hash --entries`. */
export function entryLine(path: string, digest: Buffer): string {
  return `${digest.toString('hex')}  ${JSON.stringify(path).slice(1, -1)}`;
}

/** Writes the list of the directory that `fd` is open on. Throws what hashTree throws, and of the list's own file. */
export async function writeEntryList(fd: number, signal?: AbortSignal): Promise<void> {
  const place = pathIn(fd, ENTRY_LIST);
  await fs.rm(place, { force: true });
  const handle = await fs.open(place, 'wx', 0o644);
  try {
    const lines: string[] = [];
    const onEntry = (path: string, digest: Buffer) => {
      if (isListed(path)) lines.push(entryLine(path, digest));
    };
    await hashTree(fd, { onEntry, ...(signal === undefined ? {} : { signal }) });
    const text = `${lines.join('\n')}\n`;
    if (text.length > MAX_LIST_BYTES) {
      throw new CribError('RESOURCE_EXHAUSTED', `the list of entries would have more than ${MAX_LIST_BYTES} bytes`);
    }
    await handle.writeFile(text);
  } catch (error) {
    await fs.rm(place, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * What differs from the list in the directory that `fd` is open on: up to three paths in words; undefined where there is
 * no list, or it names nothing.
 */
export async function differences(fd: number, signal?: AbortSignal): Promise<string | undefined> {
  const listed = await readList(fd);
  if (listed === undefined) return undefined;
  const found = new Map<string, string>();
  const onEntry = (path: string, digest: Buffer) => {
    const line = entryLine(path, digest);
    const name = line.slice(66);
    const known = listed.get(name);
    listed.delete(name);
    if (isListed(path) && known !== line.slice(0, 64)) found.set(name, known === undefined ? 'is new' : 'differs');
  };
  await hashTree(fd, { onEntry, ...(signal === undefined ? {} : { signal }) });
  for (const name of listed.keys()) found.set(name, 'is missing');
  // A directory differs by what is in it.
  const names = [...found.keys()].filter((name) => ![...found.keys()].some((other) => other.startsWith(`${name}/`)));
  if (names.length === 0) return undefined;
  const told = names.slice(0, MAX_TOLD).map((name) => `${name} ${found.get(name)}`);
  return `${told.join(', ')}${names.length > MAX_TOLD ? `, and ${names.length - MAX_TOLD} more` : ''}`;
}

/** The top has the list in it, and the list cannot hold itself. */
function isListed(path: string): boolean {
  return path !== '.' && path !== ENTRY_LIST;
}

async function readList(fd: number): Promise<Map<string, string> | undefined> {
  const handle = await fs.open(pathIn(fd, ENTRY_LIST), O.NOFOLLOW | fs.constants.O_NONBLOCK).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > MAX_LIST_BYTES) return undefined;
    const lines = (await handle.readFile('utf8')).split('\n').filter((line) => /^[0-9a-f]{64} {2}./.test(line));
    return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
  } finally {
    await handle.close();
  }
}
