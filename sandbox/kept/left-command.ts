/**
 * Commands whose keeper has died under them. Of ExecSync on the host the next keeper ends them
 * (runtime/keeper/left-execs.ts); those of sessions, and those in a kernel of its own, cribd does, or the next one where it
 * has died too.
 */

import fs from 'node:fs';
import { codeOf } from '../../runtime/errors.js';
import { killInnerTree, processesIn, type RunInner, toldPid } from '../../runtime/keeper/inner-kill.js';
import { killTree } from '../../runtime/keeper/kill-process.js';
import type { KeptProcess } from '../../runtime/keeper/protocol.js';
import { startTimeOf } from '../../runtime/linux/processes.js';
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

/** That a session's command runs: should the keeper and this process die, the next start finds it by that. */
export function noteStarted({ startedFile }: ExecFiles, process: KeptProcess): void {
  fs.writeFileSync(startedFile, JSON.stringify(process), { mode: 0o600 });
}

/** SIGKILLs it with its descendants, if it is there still. */
export function killStarted({ pid, startTime }: KeptProcess): void {
  if (startTimeOf(pid) === startTime) killTree(pid);
}

/**
 * Ends the commands of an earlier cribd in a container that runs, by the files that they have in its bundle, which go. To
 * be called before one is run there. Throws where the sandbox does not tell its processes: the next start tries again.
 */
export async function endLeftCommands({ bundle, innerKill, runtime }: ExecPlace): Promise<void> {
  const left = ExecFiles.in(bundle, fs.readdirSync(bundle));
  if (left.length === 0) return;
  const tree = innerKill?.tree;
  const inner = tree === undefined ? [] : processesIn(await runtime.run(tree.listArgv, START_TIMEOUT_MS));
  for (const files of left) {
    const started = readStarted(files);
    if (started !== undefined) killStarted(started);
    const pid = await toldPid(files.innerPidFile);
    // A pid that is used again is that of a process which has a parent.
    const isLeft = inner.some((process) => process.pid === pid && process.parent === NO_PARENT);
    if (innerKill !== undefined && pid !== undefined && isLeft) {
      await killInnerTree(pid, innerKill, runnerOf(runtime, START_TIMEOUT_MS));
    }
    files.remove();
  }
}

/** undefined: there is none, or it was cut off. */
function readStarted({ startedFile }: ExecFiles): KeptProcess | undefined {
  try {
    const { pid, startTime }: Partial<KeptProcess> = JSON.parse(fs.readFileSync(startedFile, 'utf8'));
    return Number.isSafeInteger(pid) && startTime ? { pid: Number(pid), startTime } : undefined;
  } catch {
    return undefined;
  }
}

/** What fails has ended meanwhile, or its sandbox has. */
function runnerOf(runtime: OciRuntime, timeoutMs: number): RunInner {
  return (argv) => runtime.run(argv, timeoutMs).catch(() => '');
}
