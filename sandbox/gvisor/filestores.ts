/** The files in which a sentry keeps the content of volumes (runsc/boot/vfs.go, SelfFilestorePath). */

import fs, { type Dirent } from 'node:fs';
import { O } from '../../runtime/linux/constants.js';
import { entriesIn, pathIn } from '../../runtime/linux/descriptor-paths.js';
import { errnoName } from '../../runtime/linux/libc.js';

/** `.gvisor.filestore.<id of the root container>`, in the volume's directory. */
const PREFIX = '.gvisor.filestore.';
/** Of what a container with the volume from the host may have filled. */
const BATCH = 64;

/**
 * Removes those of sentries that have ended, in one volume's directory; of `sandbox` alone where it is named, for a newer
 * one of the same pod may run. Idempotent; gone meanwhile is no error.
 */
export async function removeFilestores(directory: string, sandbox?: string): Promise<void> {
  await inDirectory(directory, async (fd, entry) => {
    const meant = sandbox === undefined || entry.name.toString() === PREFIX + sandbox;
    if (meant && isFilestore(entry)) await fs.promises.rm(pathIn(fd, entry.name), { force: true });
    return false;
  });
}

/** Has anything in it that is no sentry's. */
export async function holdsFiles(directory: string): Promise<boolean> {
  return inDirectory(directory, async (_, entry) => !isFilestore(entry));
}

/** A directory or symlink of this name is what a container with the volume from the host has made. */
function isFilestore(entry: Dirent<Buffer>): boolean {
  return entry.isFile() && entry.name.toString().startsWith(PREFIX);
}

/** Whether `found` is true of an entry; behind that none is looked at. A directory that is not there has none. */
async function inDirectory(
  directory: string,
  found: (fd: number, entry: Dirent<Buffer>) => Promise<boolean>,
): Promise<boolean> {
  const fd = openIfThere(directory);
  if (fd === undefined) return false;
  try {
    for await (const batch of entriesIn(fd, BATCH)) for (const entry of batch) if (await found(fd, entry)) return true;
    return false;
  } finally {
    fs.closeSync(fd);
  }
}

function openIfThere(directory: string): number | undefined {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | O.DIRECTORY | O.CLOEXEC);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}
