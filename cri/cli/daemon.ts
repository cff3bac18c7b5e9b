/** The connection of a command to the daemon. */

import type { CriClient } from '../client.js';
import { connectCri } from '../client.js';
import { loadConfig } from './config.js';
import type { Invocation } from './invocation.js';

/** Opens the socket that the flags or the configuration name, calls `use`, and closes it whatever happens. */
export async function withDaemon<T>(invocation: Invocation, use: (cri: CriClient) => Promise<T>): Promise<T> {
  const address = invocation.connect ?? (await loadConfig(invocation.configFile, {})).listen;
  const cri = connectCri(address);
  try {
    return await use(cri);
  } finally {
    cri.close();
  }
}
