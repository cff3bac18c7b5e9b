/**
 * A connection to what listens on a pod's loopback, which is the sentry's: the host's kernel has no socket there. runsc
 * hands a connected unix socket over to the sentry and ends; then bytes move between the two without another process.
 */

import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { newId } from '../../runtime/containers/ids.js';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';

const TIMEOUT_MS = 10_000;

/** Throws UNAVAILABLE when nothing listens on `port`, CANCELLED when `signal` fires first. */
export async function forwardPort(
  runtime: OciRuntime,
  target: ContainerTarget,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const socketPath = path.join(target.root, `forward-${newId().slice(0, 8)}.sock`);
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const accepted = new Promise<net.Socket>((resolve, reject) => server.once('connection', resolve).on('error', reject));
  accepted.catch(() => undefined); // it may never be waited for
  try {
    await listen(server, socketPath);
    await runtime.run(runtime.portForwardArgv(target, port, socketPath), TIMEOUT_MS, '', signal);
    const socket = await accepted;
    if (signal.aborted) throw new CribError('CANCELLED', `connecting to port ${port} was cancelled`);
    return socket;
  } catch (error) {
    // runsc connects before it asks the sentry, which may refuse.
    accepted.then((socket) => socket.destroy()).catch(() => undefined);
    if (error instanceof CribError && error.code === 'CANCELLED') throw error;
    throw new CribError('UNAVAILABLE', `port ${port} of the pod: ${messageOf(error)}`, { cause: error });
  } finally {
    server.close();
    await fs.rm(socketPath, { force: true });
  }
}

function listen(server: net.Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(socketPath, resolve);
  });
}
