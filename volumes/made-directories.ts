/** Sources that were not there: made as directories, as the other runtimes do for hostPath, and taken back on failure. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { makeMissing } from '../runtime/durable-file.js';
import { CribError, messageOf } from '../runtime/errors.js';

export interface MadeDirectory {
  readonly directory: string;
  /** The topmost directory that was not there before. */
  readonly first: string;
}

/** Makes a directory with its parents, 0755. Throws FAILED_PRECONDITION, also for a path with `..` in it. */
export async function makeSource(directory: string): Promise<MadeDirectory> {
  if (directory.split('/').includes('..')) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `${directory} does not exist, and is not made because it has ".." in it`,
    );
  }
  try {
    const first = await makeMissing(directory, 0o755);
    return { directory, first: first ?? directory };
  } catch (cause) {
    throw new CribError('FAILED_PRECONDITION', `making the directory ${directory}: ${messageOf(cause)}`, { cause });
  }
}

/** Only what is still empty: somebody else may have begun to use it. */
export async function takeAway({ directory, first }: MadeDirectory): Promise<void> {
  try {
    for (let current = directory; current.length >= first.length; current = path.dirname(current)) {
      await fs.rmdir(current);
    }
  } catch {
    // in use, or gone already
  }
}
