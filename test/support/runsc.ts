/** Tests that need gVisor: where it is not to be had they are left out, with the reason. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { findExecutable } from '../../runtime/oci/discover.js';
import { cacheDir } from './cache.js';

/** For the `skip` of a test; false where runsc is installed. test/setup.sh installs it where Debian's backports are in reach. */
export async function runscMissing(): Promise<string | false> {
  return (await findExecutable('runsc')) === undefined && 'runsc is not installed: gVisor was not tested';
}

/** Gives a node what the trial of runsc came to in another one: else each would run one in its background. */
export async function seedRunsc(root: string): Promise<void> {
  await fs.mkdir(path.join(root, 'probe'), { recursive: true, mode: 0o711 });
  await fs.copyFile(await kept(), recordOf(root)).catch(() => undefined); // the first
}

/** Keeps what came of the trial for others. */
export async function keepRunsc(root: string): Promise<void> {
  const temporary = `${await kept()}.${process.pid}`;
  await fs.copyFile(recordOf(root), temporary).then(
    async () => fs.rename(temporary, await kept()),
    () => undefined, // not tried here, or it does not work
  );
}

function recordOf(root: string): string {
  return path.join(root, 'probe', 'runsc.json');
}

async function kept(): Promise<string> {
  return path.join(await cacheDir('runsc'), 'runsc.json');
}
