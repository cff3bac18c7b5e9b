/** The files in which a sentry keeps the content of volumes (runsc/boot/vfs.go, SelfFilestorePath). */

import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { errnoName } from '../../runtime/linux/libc.js';

/** `.gvisor.filestore.<id of the root container>`, in the volume's directory. */
const PREFIX = '.gvisor.filestore.';

/**
 * Removes those of sentries that have ended, in one volume's directory; of `sandbox` alone where it is named, for a newer
 * one of the same pod may run. Idempotent; gone meanwhile is no error.
 */
export async function removeFilestores(directory: string, sandbox?: string): Promise<void> {
  for (const entry of await entriesOf(directory)) {
    const meant = sandbox === undefined || entry.name === PREFIX + sandbox;
    if (meant && isFilestore(entry)) await fs.rm(path.join(directory, entry.name), { force: true });
  }
}

/** Has anything in it that is no sentry's. */
export async function holdsFiles(directory: string): Promise<boolean> {
  return (await entriesOf(directory)).some((entry) => !isFilestore(entry));
}

/** A directory or symlink of this name is what a container with the volume from the host has made. */
function isFilestore(entry: Dirent): boolean {
  return entry.isFile() && entry.name.startsWith(PREFIX);
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await fs.readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}
