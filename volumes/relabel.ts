/** SELinux labels of the files of a volume (CRI, Mount.selinux_relabel). */

import type { Dirent } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from '../runtime/errors.js';
import { getXattr, setXattr } from '../runtime/linux/files.js';
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
  const pending = [realPath];
  let count = 0;
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    labelOne(file, value);
    for (const entry of await entriesOf(file)) {
      const child = path.join(file, entry.name);
      if (entry.isDirectory()) pending.push(child);
      else labelOne(child, value);
      count += 1;
      if (count % BATCH === 0) await new Promise(setImmediate);
    }
  }
}

function labelOne(file: string, value: Buffer): void {
  try {
    if (getXattr(file, ATTRIBUTE)?.equals(value) !== true) setXattr(file, ATTRIBUTE, value);
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'ENOENT', 'EROFS'].includes(errnoName(error) ?? '')) throw error;
  }
}

/** Nothing for what is no directory, or gone meanwhile. */
async function entriesOf(file: string): Promise<Dirent[]> {
  try {
    return await fs.readdir(file, { withFileTypes: true });
  } catch (error) {
    if (['ENOTDIR', 'ENOENT'].includes(errnoName(error) ?? '')) return [];
    throw error;
  }
}
