/** PullImage of the large image through the CRI: fetched, verified, unpacked. */

import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '../support/command.js';
import type { Contestant } from './contestant.js';
import { type Results, timed } from './results.js';

const TIMEOUT_MS = 300_000;

/** ext4 passes over inodes that were freed within 5 s (recently_deleted), which would be counted as unpacking. */
const FREED_MS = 6_000;

/** The runtimes in turn; each pull begins with nothing of the image and with a disk that has nothing left to write. */
export async function measurePull(
  contestants: readonly Contestant[],
  reference: string,
  rounds: number,
  results: Results,
): Promise<void> {
  const group = 'PullImage, 8 layers, 181 MB compressed, 537 MB raw, registry on loopback';
  const image = { image: reference };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const on of order) {
      await command('sync', []);
      if (round > 0) await sleep(FREED_MS);
      const { ms } = await timed(() => on.cri.images.pullImage({ image }, { timeoutMs: TIMEOUT_MS }));
      results.add(group, 'pull', 's', on.side, ms / 1000);
      await on.cri.images.removeImage({ image });
    }
  }
}
