/**
 * What an exec runs as: the container's own `process` with another command. It is handed over as a file, because
 * `crun exec ID COMMAND` of crun 1.8 runs the command as root, without groups, whoever the container runs as.
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError } from '../../runtime/errors.js';
import type { TerminalSize } from '../streams.js';

/**
 * Writes the OCI `process` object for `command` to `file`; the bundle's config.json says everything else about it. With
 * a terminal it has a TERM, and the window size where that is known. Throws INTERNAL where config.json is not the
 * specification that CreateContainer wrote. Plain calls, for the bundle is a few kilobytes of what a reboot may drop: a
 * read and a write through libuv's pool cost a probe 1 ms.
 */
export async function writeExecProcess(
  bundle: string,
  file: string,
  command: readonly string[],
  terminal: boolean,
  size?: TerminalSize,
): Promise<void> {
  const spec: unknown = JSON.parse(fs.readFileSync(path.join(bundle, 'config.json'), 'utf8'));
  const own: unknown = typeof spec === 'object' && spec !== null ? Reflect.get(spec, 'process') : undefined;
  if (typeof own !== 'object' || own === null) {
    throw new CribError('INTERNAL', `reading ${bundle}/config.json: it has no process to take the user from`);
  }
  const ofTerminal = terminal ? { env: withTerm(Reflect.get(own, 'env')), consoleSize: size && sizeOf(size) } : {};
  fs.writeFileSync(file, JSON.stringify({ ...own, args: command, terminal, ...ofTerminal }), { mode: 0o600 });
}

/** containerd gives each exec with a terminal this one. */
function withTerm(env: unknown): unknown[] {
  const list: unknown[] = Array.isArray(env) ? env : [];
  return list.some((entry) => String(entry).startsWith('TERM=')) ? list : [...list, 'TERM=xterm'];
}

function sizeOf({ width, height }: TerminalSize): { width: number; height: number } {
  return { width, height };
}
