/**
 * Commands that a keeper was running for ExecSync when it died. Nobody waits for them any more, and nobody keeps to their
 * time limits: a probe that hangs would stay in its container for ever.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { atOnce } from '../all-done.js';
import { killTree } from './kill-process.js';

/** The name of the pid file of an exec, in its container's bundle: by it the OCI runtime's process is known. */
const PID_FILE = /^exec-[0-9a-f]{16}\.pid$/;

/** Of thousands of processes: each is a file that is open. */
const AT_ONCE = 16;

/** SIGKILLs the runtimes with the commands, which are their children. `state`: the directory below which bundles are. */
export async function killLeftExecs(state: string): Promise<void> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await atOnce(names, AT_ONCE, async (name) => {
    const line = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => ''); // it has ended
    if (line.split('\0').some((word) => isPidFile(word, state))) killTree(Number(name));
  });
}

function isPidFile(word: string, state: string): boolean {
  return word.startsWith(`${state}/`) && PID_FILE.test(path.basename(word));
}
