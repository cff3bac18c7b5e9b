/** CRIU, with which the OCI runtimes write down what a running container holds in memory. */

import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../errors.js';
import { RUNTIME_PATH } from './environment.js';
import { runRuntime } from './run.js';

const CHECK_LIMIT_MS = 20_000;

/** Why no container can be checkpointed here; undefined where CRIU says that it can. It is asked each time: few ask. */
export async function criuObstacle(
  directories: readonly string[] = RUNTIME_PATH.split(':'),
): Promise<string | undefined> {
  const criu = await findCriu(directories);
  if (criu === undefined) return 'CRIU is not installed on this node (Debian: apt-get install criu)';
  try {
    await runRuntime([criu, 'check'], CHECK_LIMIT_MS);
    return undefined;
  } catch (error) {
    return `CRIU cannot work with this kernel: ${messageOf(error).trim().split('\n').slice(-3).join('; ')}`;
  }
}

async function findCriu(directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const file = path.join(directory, 'criu');
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
