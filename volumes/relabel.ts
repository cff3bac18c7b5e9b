/** SELinux labels of the files of a volume (CRI, Mount.selinux_relabel). */

import fs from 'node:fs';
import path from 'node:path';
import { CribError } from '../runtime/errors.js';
import { type BytePath, getXattrAt, setXattrAt } from '../runtime/linux/byte-paths.js';
import { O } from '../runtime/linux/constants.js';
import { openDirectoryIn, pathIn } from '../runtime/linux/descriptor-paths.js';
import { errnoName } from '../runtime/linux/libc.js';

const ATTRIBUTE = 'security.selinux';
/** Files that are labelled before others of this process get their turn: 5 µs each. */
const BATCH = 200;
/** With another label on these the host itself would stop working. */
const OF_THE_HOST = new Set([
  ...['/', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib64', '/media', '/mnt', '/opt', '/proc', '/root'],
  ...['/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/sbin', '/var'],
  ...['/var/lib', '/var/log', '/var/run', '/var/tmp'],
]);

/**
 * Gives `label` to `realPath` and all that is below it, mounts included, without following symlinks; what has it already
 * is left alone, and so are file systems that have no labels. Throws FAILED_PRECONDITION for a directory that is the host's.
 */
export async function relabel(realPath: string, label: string): Promise<void> {
  if (OF_THE_HOST.has(realPath)) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `relabelling ${realPath} for SELinux is refused: the host needs its labels`,
    );
  }
  const value = Buffer.from(`${label}\0`);
  const parent = fs.openSync(path.dirname(realPath), O.PATH | O.DIRECTORY | O.CLOEXEC);
  try {
    labelOne(pathIn(parent, path.basename(realPath)), value);
    const top = openQuietly(parent, path.basename(realPath));
    if (top === undefined) return;
    try {
      await relabelBelow(top, value);
    } finally {
      fs.closeSync(top);
    }
  } finally {
    fs.closeSync(parent);
  }
}

/** Each directory is opened below `top`: one that a container swaps for a symlink meanwhile is not gone through. */
async function relabelBelow(top: number, value: Buffer): Promise<void> {
  const pending = ['.'];
  let count = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const fd = openQuietly(top, directory);
    if (fd === undefined) continue;
    try {
      for (const entry of await fs.promises.readdir(pathIn(fd), { withFileTypes: true })) {
        labelOne(pathIn(fd, entry.name), value);
        if (entry.isDirectory()) pending.push(path.join(directory, entry.name));
        count += 1;
        if (count % BATCH === 0) await new Promise(setImmediate);
      }
    } finally {
      fs.closeSync(fd);
    }
  }
}

/** undefined: it is no directory, or not any more. */
function openQuietly(fd: number, directory: string): number | undefined {
  try {
    return openDirectoryIn(fd, directory, true);
  } catch (error) {
    if (['ENOTDIR', 'ENOENT', 'ELOOP'].includes(errnoName(error) ?? '')) return undefined;
    throw error;
  }
}

function labelOne(file: BytePath, value: Buffer): void {
  try {
    if (labelOf(file)?.equals(value) !== true) setXattrAt(file, ATTRIBUTE, value);
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'ENOENT', 'EROFS'].includes(errnoName(error) ?? '')) throw error;
  }
}

function labelOf(file: BytePath): Buffer | undefined {
  try {
    return getXattrAt(file, ATTRIBUTE);
  } catch (error) {
    if (errnoName(error) === 'ENODATA') return undefined;
    throw error;
  }
}
