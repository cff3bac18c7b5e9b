/** The environment of OCI runtimes: small and known, nothing of cribd's own reaches them. */

import fs from 'node:fs';
import path from 'node:path';
import { unmountIfMounted } from '../containers/rootfs.js';
import { errnoName } from '../linux/libc.js';

export const RUNTIME_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/**
 * crun goes on as a read-only mount of its own program (its cloned_binary.c, for CVE-2019-5736), made for a moment in the
 * directory that this variable names, or else in /tmp. One that is killed in that moment leaves the mount and its file.
 */
const COPY_DIRECTORY = '_LIBCONTAINER_STATEDIR';
/** How such a directory's name ends. */
export const COPIES_OF_EXEC = '.copies';
const COPY = /^crun\.[A-Za-z0-9]{6}$/;

export type RuntimeEnvironment = Readonly<Record<string, string>>;

export const RUNTIME_ENVIRONMENT: RuntimeEnvironment = { PATH: RUNTIME_PATH };

/** `env` for a runtime that makes its copy of itself in `directory`, which is there; removeCopies clears it. */
export function withCopiesIn(directory: string, env = RUNTIME_ENVIRONMENT): RuntimeEnvironment {
  return { ...env, [COPY_DIRECTORY]: directory };
}

/**
 * Removes what runtimes that were killed have left in `directory`, and in those of its directories that are one exec's. To
 * be called when none runs that has it. Idempotent.
 */
export function removeCopies(directory: string): void {
  for (const name of entriesOf(directory)) {
    const entry = path.join(directory, name);
    if (name.endsWith(COPIES_OF_EXEC)) removeCopies(entry);
    if (!COPY.test(name)) continue;
    unmountIfMounted(entry);
    fs.rmSync(entry, { force: true });
  }
}

function entriesOf(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}
