/** The connection of a command to the daemon. */

import net from 'node:net';
import { CribError, messageOf } from '../../runtime/errors.js';
import { type CriClient, connect } from '../client.js';
import { socketPathOf } from '../socket.js';
import { loadConfig } from './config.js';
import type { Invocation } from './invocation.js';

/** Opens the socket that the flags or the configuration name, calls `use`, and closes it whatever happens. */
export async function withDaemon<T>(invocation: Invocation, use: (cri: CriClient) => Promise<T>): Promise<T> {
  const address = invocation.connect ?? (await loadConfig(invocation.configFile, {})).listen;
  const cri = connect(address);
  try {
    return await use(cri);
  } catch (error) {
    if (error instanceof CribError && error.code === 'UNAVAILABLE') await explain(address);
    throw error;
  } finally {
    cri.close();
  }
}

/** Throws what is wrong with the socket, where that is why nobody answered. */
async function explain(address: string): Promise<void> {
  const path = socketPathOf(address);
  const failure = await new Promise<Error | undefined>((resolve) => {
    const socket = net.connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', resolve);
  });
  if (failure === undefined) return;
  const wayOut = 'start it with `crib serve`, or name its socket with --connect';
  throw new CribError('UNAVAILABLE', `no daemon answers at ${address} (${messageOf(failure)}): ${wayOut}`, {
    cause: failure,
  });
}
