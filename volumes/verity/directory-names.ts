/** The names in a directory, as bytes and in their order. */

import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import { CribError } from '../../runtime/errors.js';
import { pathIn } from '../../runtime/linux/descriptor-paths.js';

const MAX_DIRECTORY_ENTRIES = 100_000;

/** Of the directory `fd`, which messages call `path`. Throws FAILED_PRECONDITION where there are over 100,000. */
export async function sortedNames(fd: number, path: string): Promise<Buffer[]> {
  const names: Buffer[] = [];
  // Node gives the names as bytes, its types do not know.
  const directory = await fs.opendir(pathIn(fd), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
  for await (const { name } of directory as unknown as AsyncIterable<Dirent<Buffer>>) {
    names.push(name);
    if (names.length > MAX_DIRECTORY_ENTRIES) {
      throw new CribError('FAILED_PRECONDITION', `hashing ${path}: it has more than ${MAX_DIRECTORY_ENTRIES} names`);
    }
  }
  return names.sort(Buffer.compare);
}
