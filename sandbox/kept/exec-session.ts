/**
 * Exec with streams. The OCI runtime starts the command and ends; the keeper has the process, this process the other
 * ends of its pipes or the master of its terminal. So the output takes one copy, and nothing of it passes the keeper.
 */

import { attempting, CribError } from '../../runtime/errors.js';
import type { KeptProcess } from '../../runtime/keeper/protocol.js';
import { descriptorRoom } from '../../runtime/linux/descriptor-room.js';
import type { ExecSpec, SessionStreams } from '../streams.js';
import { ExecFiles, type ExecPlace, innerKillOf } from './exec-files.js';
import { writeExecProcess } from './exec-process.js';
import { endLeftCommand, killStarted, noteStarted } from './left-command.js';
import { SessionPipes } from './session-pipes.js';
import { SessionTerminal } from './session-terminal.js';

/** As a container's create: a machine under load takes its time. */
const START_TIMEOUT_MS = 120_000;
/** Both ends of three pipes. */
const DESCRIPTORS = 6;

/** As Sessions.exec. Throws UNKNOWN with the runtime's reason when the command cannot be started. */
export async function execSession(
  place: ExecPlace,
  id: string,
  spec: ExecSpec,
  streams: SessionStreams,
  signal: AbortSignal,
): Promise<number> {
  descriptorRoom.take(DESCRIPTORS, `exec in container ${id}`)();
  const files = new ExecFiles(place.bundle);
  const io = spec.tty
    ? new SessionTerminal(place.bundle, files.consoleName, streams)
    : new SessionPipes(streams, ['stdin', 'stdout', 'stderr'], place.owner);
  try {
    const exitCode = await run(place, files, id, spec, io, signal);
    await io.drained(signal);
    return exitCode;
  } catch (error) {
    throw attempting(`exec in container ${id}`, error);
  } finally {
    io.close();
    files.remove();
  }
}

async function run(
  place: ExecPlace,
  files: ExecFiles,
  id: string,
  { command, tty }: ExecSpec,
  io: SessionTerminal | SessionPipes,
  signal: AbortSignal,
): Promise<number> {
  const { keeper, runtime, env, bundle, runtimeRoot } = place;
  const { pidFile, processFile, log } = files;
  const { ofRuntime, ofKeeper } = innerKillOf(place, files);
  const terminal = io instanceof SessionTerminal ? io : undefined;
  await writeExecProcess(bundle, processFile, command, tty, terminal?.size);
  const argv = runtime.execArgv({
    ...{ id, root: runtimeRoot, log, processFile, pidFile, detach: true, ...ofRuntime },
    ...(terminal === undefined ? {} : { consoleSocket: terminal.consoleSocket }),
  });
  const pipes = io instanceof SessionPipes ? io.passed : {};
  const spec = {
    argv,
    env: files.environment(env),
    pidFile,
    runtimeLog: log,
    pipes,
    startTimeoutMs: START_TIMEOUT_MS,
    ...ofKeeper,
  };
  let started: KeptProcess | undefined;
  let failure: unknown;
  const onStarted = (process: KeptProcess) => {
    started = process;
    try {
      noteStarted(files, process);
      io.start();
    } catch (error) {
      failure = error;
      killStarted(process);
    }
  };
  try {
    const exitCode = await keeper.session(spec, onStarted, signal);
    if (failure !== undefined) throw failure;
    return exitCode;
  } catch (error) {
    // The keeper has died, and with it who would have killed the command.
    await endLeftCommand(error, place, files);
    if (error instanceof CribError && error.code === 'UNAVAILABLE' && started !== undefined) killStarted(started);
    throw error;
  }
}
