/** ExecSync: the keeper collects what the command writes. */

import { attempting, CribError } from '../../runtime/errors.js';
import { lastRuntimeError, readLogFrom } from '../../runtime/oci/runtime-log.js';
import type { ExecSyncResult } from '../types.js';
import { ExecFiles, type ExecPlace, innerKillOf } from './exec-files.js';
import { writeExecProcess } from './exec-process.js';
import { endLeftCommand } from './left-command.js';

/** Output that is kept of each stream: together they fit a gRPC message of 16 MiB (CRI, ExecSyncResponse). */
const MAX_OUTPUT_BYTES = 7 * 1024 * 1024;

/** Throws DEADLINE_EXCEEDED after `timeoutMs` (0: no limit), UNKNOWN with the runtime's reason when it did not start. */
export async function execSync(
  place: ExecPlace,
  id: string,
  command: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecSyncResult> {
  const { keeper, runtime, env, bundle, runtimeRoot } = place;
  const files = new ExecFiles(bundle);
  const { ofRuntime, ofKeeper } = innerKillOf(place, files);
  const { pidFile, processFile, log } = files;
  const argv = runtime.execArgv({ id, root: runtimeRoot, log, processFile, pidFile, ...ofRuntime });
  try {
    await writeExecProcess(bundle, processFile, command, false);
    const spec = {
      argv,
      env: files.environment(env),
      pidFile,
      timeoutMs,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      ...ofKeeper,
    };
    const result = await keeper.exec(spec, signal).catch(async (error: unknown) => {
      await endLeftCommand(error, place, files);
      throw attempting(`exec in container ${id}`, error);
    });
    if (result.timedOut) {
      throw new CribError('DEADLINE_EXCEEDED', `exec in container ${id}: timed out after ${timeoutMs} ms`);
    }
    if (result.exitCode !== 0) await throwIfNotStarted(log, id);
    return result;
  } finally {
    files.remove();
  }
}

/** The runtime's own exit code for a command it cannot start looks like the command's; its log tells them apart. */
async function throwIfNotStarted(log: string, id: string): Promise<void> {
  const reason = lastRuntimeError(await readLogFrom(log, 0));
  if (reason !== undefined) throw new CribError('UNKNOWN', `exec in container ${id}: ${reason}`);
}
