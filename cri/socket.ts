/** The unix socket that the kubelet talks to: its address, taking it over from a dead daemon, and its mode. */

import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { makeDirectory } from '../runtime/durable-file.js';
import { attempting, CribError } from '../runtime/errors.js';

/** Longest path that fits `sun_path` with its terminating zero (unix(7)). */
const MAX_PATH = 107;

/** Owner and group may connect; others may not: who can connect is root on this node. */
const SOCKET_MODE = 0o660;

/** The path of `unix:///run/crib/crib.sock`, `unix:/run/…` or `/run/…`. Throws INVALID_ARGUMENT for anything else. */
export function socketPathOf(address: string): string {
  // Two slashes begin a host (RFC 3986), which a unix socket has not.
  const file = address.replace(/^unix:(\/\/(?=\/)|(?!\/\/))/, '');
  if (!path.isAbsolute(file)) {
    throw new CribError('INVALID_ARGUMENT', `listen address "${address}" must be unix:///absolute/path`);
  }
  if (Buffer.byteLength(file) > MAX_PATH) {
    throw new CribError('INVALID_ARGUMENT', `listen address "${address}" is longer than ${MAX_PATH} bytes`);
  }
  return path.normalize(file);
}

/**
 * Makes the socket at `file`: `bind` gets a path in a directory that nobody else can enter, and what it made there is
 * given its mode and moved into place, so no other user can connect at any moment. Replaces a socket where nobody
 * answers. Throws FAILED_PRECONDITION when somebody does or when `file` is something else than a socket.
 */
export async function placeSocket(file: string, bind: (temporary: string) => Promise<void>): Promise<void> {
  await makeDirectory(path.dirname(file), 0o755, 'or listen elsewhere');
  await refuseIfTaken(file);
  const nursery = path.join(path.dirname(file), `.${path.basename(file).slice(0, 8)}.new`);
  const temporary = path.join(nursery, 's');
  if (Buffer.byteLength(temporary) > MAX_PATH) {
    throw new CribError('INVALID_ARGUMENT', `socket ${file}: its directory's path is too long`);
  }
  try {
    await fs.rm(nursery, { recursive: true, force: true });
    await fs.mkdir(nursery, { mode: 0o700 });
    await bind(temporary);
    await fs.chmod(temporary, SOCKET_MODE);
    await fs.rename(temporary, file);
  } catch (error) {
    throw attempting(`making the socket ${file}`, error);
  } finally {
    await fs.rm(nursery, { recursive: true, force: true });
  }
}

async function refuseIfTaken(file: string): Promise<void> {
  const stat = await fs.lstat(file).catch(() => undefined);
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new CribError('FAILED_PRECONDITION', `${file} exists and is not a socket: move it away or listen elsewhere`);
  }
  if (await answers(file)) {
    throw new CribError('FAILED_PRECONDITION', `another process answers on ${file}: stop it or listen elsewhere`);
  }
}

/** Whether somebody listens. A listener that does not accept within a second counts. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(file);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EAGAIN'));
  });
}
