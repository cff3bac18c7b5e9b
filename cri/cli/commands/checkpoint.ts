/** `crib checkpoint`: the state of a running container, as an archive on this host. */

import path from 'node:path';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { findContainer } from '../lookup.js';
import { toJson } from '../output.js';

/** `timeout` in seconds; 0: the daemon's own. */
export async function checkpoint(
  invocation: Invocation,
  name: string,
  archive: string,
  options: { readonly timeout: number },
): Promise<void> {
  const location = path.resolve(archive);
  await withDaemon(invocation, async (cri) => {
    const { id: containerId } = await findContainer(cri, name);
    const timeout = BigInt(options.timeout);
    await cri.runtime.checkpointContainer({ containerId, location, timeout }, { timeoutMs: 0 });
  });
  process.stdout.write(`${invocation.json ? toJson({ location }) : location}\n`);
}
