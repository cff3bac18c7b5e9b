/** Whether users that are nobody on this host can get to a directory. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from '../errors.js';

/**
 * The root of a user namespace is nobody to the host's directories, so it must be let through all that lead to its own.
 * Throws FAILED_PRECONDITION naming the first that does not.
 */
export async function requireReachable(directory: string): Promise<void> {
  const parts = path.resolve(directory).split('/').slice(1);
  for (const index of parts.keys()) {
    const current = `/${parts.slice(0, index + 1).join('/')}`;
    const { mode } = await fs.stat(current);
    if ((mode & 0o001) !== 0) continue;
    throw new CribError(
      'FAILED_PRECONDITION',
      `pods in user namespaces cannot get to ${directory}: ${current} lets only its owner through; run \`chmod o+x ${current}\``,
    );
  }
}
