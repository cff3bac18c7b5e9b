/**
 * What an exec runs as: the container's own `process` with another command. It is handed over as a file, because
 * `crun exec ID COMMAND` of crun 1.8 runs the command as root, without groups, whoever the container runs as.
 */

import fs from 'node:fs/promises';
import path from 'node:path';
import { CribError } from '../../runtime/errors.js';

/**
 * Writes the OCI `process` object for `command` to `file`; the bundle's config.json says everything else about it.
 * Throws INTERNAL where that is not the specification that CreateContainer wrote.
 */
export async function writeExecProcess(
  bundle: string,
  file: string,
  command: readonly string[],
  terminal: boolean,
): Promise<void> {
  const spec: unknown = JSON.parse(await fs.readFile(path.join(bundle, 'config.json'), 'utf8'));
  const own: unknown = typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'process') : undefined;
  if (typeof own !== 'object' || own === null) {
    throw new CribError('INTERNAL', `reading ${bundle}/config.json: it has no process to take the user from`);
  }
  await fs.writeFile(file, JSON.stringify({ ...own, args: command, terminal }), { mode: 0o600 });
}
