/**
 * Commands whose keeper has died under them, in a kernel of its own. On the host the next keeper ends them
 * (runtime/keeper/left-execs.ts); in there cribd does, or the next one where it has died too.
 */

import { readdir } from 'node:fs/promises';
import { codeOf } from '../../runtime/errors.js';
import { killInnerTree, processesIn, type RunInner, toldPid } from '../../runtime/keeper/inner-kill.js';
import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { ExecFiles, type ExecPlace } from './exec-files.js';

const TIMEOUT_MS = 30_000;
/** At a start: a sandbox that does not answer must not keep the node from serving for longer. */
const START_TIMEOUT_MS = 5_000;
/** The parent of a process that was put into a container from outside. */
const NO_PARENT = 0;

/** To be called with what the call to the keeper ended with, before the files of the exec go. Never throws. */
export async function endLeftCommand(error: unknown, place: ExecPlace, files: ExecFiles): Promise<void> {
  const { innerKill, runtime } = place;
  if (innerKill === undefined || codeOf(error) !== 'UNAVAILABLE') return;
  const pid = await toldPid(files.innerPidFile);
  if (pid !== undefined) await killInnerTree(pid, innerKill, runnerOf(runtime, TIMEOUT_MS)); // else not told yet, or ended
}

/**
 * Ends the commands of an earlier cribd in a container that runs, by the files that they have in its bundle, which go. To
 * be called before one is run there. Throws where the sandbox does not tell its processes: the next start tries again.
 */
export async function endLeftCommands({ bundle, innerKill, runtime }: ExecPlace): Promise<void> {
  if (innerKill?.tree === undefined) return;
  const left = ExecFiles.in(bundle, await readdir(bundle));
  if (left.length === 0) return;
  const listed = processesIn(await runtime.run(innerKill.tree.listArgv, START_TIMEOUT_MS));
  for (const files of left) {
    const pid = await toldPid(files.innerPidFile);
    // A pid that is used again is that of a process which has a parent.
    const isLeft = listed.some((process) => process.pid === pid && process.parent === NO_PARENT);
    if (pid !== undefined && isLeft) await killInnerTree(pid, innerKill, runnerOf(runtime, START_TIMEOUT_MS));
    files.remove();
  }
}

/** What fails has ended meanwhile, or its sandbox has. */
function runnerOf(runtime: OciRuntime, timeoutMs: number): RunInner {
  return (argv) => runtime.run(argv, timeoutMs).catch(() => '');
}
