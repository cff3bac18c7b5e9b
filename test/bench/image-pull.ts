/** PullImage of a large and of a small image through the CRI: fetched, verified, unpacked. */

import { command } from '../support/command.js';
import type { Contestant } from './contestant.js';
import { type Results, timed } from './results.js';

const TIMEOUT_MS = 300_000;

/**
 * The runtimes in turn. Each round has an image of its own and nothing is removed: ext4 passes over inodes that were
 * freed within a minute one by one (recently_deleted), and one runtime would pay for what the other removed.
 */
export async function measurePull(
  contestants: readonly Contestant[],
  references: readonly string[],
  what: string,
  unit: 'ms' | 's',
  results: Results,
): Promise<void> {
  for (const [round, image] of references.entries()) {
    const order = round % 2 === 0 ? contestants : [...contestants].reverse();
    for (const on of order) {
      await command('sync', []);
      const request = { image: { image } };
      const { ms } = await timed(() => on.cri.images.pullImage(request, { timeoutMs: TIMEOUT_MS }));
      results.add('PullImage, registry on loopback', what, unit, on.side, unit === 's' ? ms / 1000 : ms);
    }
  }
}
