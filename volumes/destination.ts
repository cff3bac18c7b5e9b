/** Where a volume goes inside of the container: a directory onto a directory, everything else onto a file. */

import fs from 'node:fs';
import { CribError } from '../runtime/errors.js';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { isWithin } from './kind.js';

/**
 * mount(2) says only ENOTDIR when source and destination are of different types, and the OCI runtime passes that on:
 * this says it in words. What is not there yet is made by the runtime. Symlinks are resolved inside the root file system.
 * Throws FAILED_PRECONDITION.
 */
export async function checkDestination(
  rootfs: string,
  containerPath: string,
  sourceIsDirectory: boolean,
  destinations: readonly string[],
  field: string,
): Promise<void> {
  if (rootfs === '') return;
  const covered = destinations.some((other) => other !== containerPath && isWithin(containerPath, other));
  if (covered) return;
  const isDirectory = directoryAt(rootfs, containerPath);
  if (isDirectory === undefined || isDirectory === sourceIsDirectory) return;
  const [source, target] = sourceIsDirectory ? ['a directory', 'a file'] : ['a file', 'a directory'];
  throw new CribError(
    'FAILED_PRECONDITION',
    `${field}.container_path: ${containerPath} is ${target} in the image, and the source of the mount is ${source}`,
  );
}

/** undefined where nothing is there, or it cannot be resolved: the OCI runtime then has the word. */
function directoryAt(rootfs: string, containerPath: string): boolean | undefined {
  let root: number | undefined;
  let target: number | undefined;
  try {
    root = fs.openSync(rootfs, O.PATH | O.DIRECTORY | O.CLOEXEC);
    target = openat2(root, containerPath, O.PATH, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
    return fs.fstatSync(target).isDirectory();
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  } finally {
    if (target !== undefined) fs.closeSync(target);
    if (root !== undefined) fs.closeSync(root);
  }
}
