/** A command whose keeper has died under it: on the host the next keeper ends it, in a kernel of its own nobody else does. */

import { readFile } from 'node:fs/promises';
import { codeOf } from '../../runtime/errors.js';
import type { ExecFiles, ExecPlace } from './exec-files.js';

const TIMEOUT_MS = 30_000;

/** To be called with what the call to the keeper ended with, before the files of the exec go. Never throws. */
export async function endLeftCommand(error: unknown, place: ExecPlace, files: ExecFiles): Promise<void> {
  const { innerKill, runtime } = place;
  if (innerKill === undefined || codeOf(error) !== 'UNAVAILABLE') return;
  const pid = (await readFile(files.innerPidFile, 'latin1').catch(() => '')).trim();
  if (!/^[1-9]\d*$/.test(pid)) return; // not told yet, or ended
  const argv = innerKill.argv.map((word) => word.replaceAll('{pid}', pid));
  await runtime.run(argv, TIMEOUT_MS).catch(() => undefined); // it has ended meanwhile
}
