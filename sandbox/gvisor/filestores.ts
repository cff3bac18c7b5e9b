/** The files in which a sentry keeps the content of volumes (runsc/boot/vfs.go, SelfFilestorePath). */

import fs from 'node:fs/promises';
import path from 'node:path';
import { errnoName } from '../../runtime/linux/libc.js';

/** `.gvisor.filestore.<id of the root container>`, in the volume's directory. */
const PREFIX = '.gvisor.filestore.';

/** Removes those of sentries that have ended, in one volume's directory. Idempotent; gone meanwhile is no error. */
export async function removeFilestores(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    if (name.startsWith(PREFIX)) await fs.rm(path.join(directory, name), { force: true });
  }
}

/** Has anything in it that is no sentry's. */
export async function holdsFiles(directory: string): Promise<boolean> {
  return (await namesIn(directory)).some((name) => !name.startsWith(PREFIX));
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await fs.readdir(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}
