/** Killing a command whose process another kernel has: the one that waits for it here ends with it. */

import { readFile } from 'node:fs/promises';
import { type Children, childEnd } from './children.js';
import type { KeptInnerKill } from './protocol.js';

const TIMEOUT_MS = 30_000;

/** Nothing where the command has not told its pid yet, or has ended. */
export async function killInner(kill: KeptInnerKill, children: Children): Promise<void> {
  const pid = (await readFile(kill.pidFile, 'latin1').catch(() => '')).trim();
  if (!/^[1-9]\d*$/.test(pid)) return;
  const argv = kill.argv.map((word) => word.replaceAll('{pid}', pid));
  await childEnd(children.spawn(argv, kill.env, ['ignore', 'ignore', 'ignore']), TIMEOUT_MS);
}
