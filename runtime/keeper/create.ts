/** Creating a kept container: its stdio, the OCI runtime's create, and what is undone when that fails. */

import fs from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { nowNs } from '../clock.js';
import { attempting, CribError, messageOf } from '../errors.js';
import { O } from '../linux/constants.js';
import { openPidfd, parentOf, startTimeOf } from '../linux/processes.js';
import { step } from '../steps.js';
import { killCgroups } from './cgroup-kill.js';
import { type Children, childEnd } from './children.js';
import { Container, type ContainerServices } from './container.js';
import { killByPid } from './kill-process.js';
import { LogFile } from './log-file.js';
import { readAvailable } from './output.js';
import type { KeptContainerSpec } from './protocol.js';
import { type Intent, intentOf, PID_FILE, RECORD_FILE } from './record.js';
import { failureOf } from './runtime-log.js';
import {
  CONSOLE_SOCKET,
  ConsoleSocket,
  type ContainerEnds,
  closeContainerEnds,
  closeKeeperEnds,
  type KeeperEnds,
  makeFifos,
  STDIO_FIFOS,
} from './stdio.js';
import { WatchedInit } from './watched-init.js';

const STDERR_TAIL = 4096;
const CONSOLE_MESSAGES = 'create.err';

/** What one create has acquired so far, for its undoing. */
interface Attempt {
  readonly spec: KeptContainerSpec;
  readonly intent: Intent;
  readonly pidFile: string;
  logFile?: LogFile;
  ends?: KeeperEnds;
  containerEnds?: ContainerEnds;
  console?: ConsoleSocket;
  pidfd?: number;
  watched?: WatchedInit;
  container?: Container;
}

/** Runs `spec.createArgv`; the container that it resolves to is watched and recorded. Leaves but its log when it throws. */
export async function createContainer(
  spec: KeptContainerSpec,
  children: Children,
  services: ContainerServices,
): Promise<Container> {
  const attempt: Attempt = { spec, intent: intentOf(spec), pidFile: path.join(spec.directory, PID_FILE) };
  if (spec.watch !== undefined) attempt.watched = new WatchedInit(spec.watch, children);
  const endOfCreate = children.expectInit();
  try {
    return await carryOut(attempt, children, services);
  } catch (error) {
    await step('keeper/undo', () => undo(attempt, services)).catch((failure: unknown) => {
      services.log.warn({ id: spec.id, error: messageOf(failure) }, 'could not undo a failed create');
    });
    throw attempting(`creating container ${spec.id}`, error);
  } finally {
    endOfCreate();
  }
}

async function carryOut(attempt: Attempt, children: Children, services: ContainerServices): Promise<Container> {
  const { spec } = attempt;
  await step('keeper/intent', () => services.intents.save(attempt.intent));
  const made = await mkdir(spec.directory, { recursive: true, mode: 0o700 });
  if (made === undefined) await removeStale(spec.directory);
  await step('keeper/log', () => openLog(attempt));
  await step('keeper/stdio', async () => openStdio(attempt, children));
  await step('keeper/run', () => runCreate(attempt, children, services));
  return step('keeper/record', () => adopt(attempt, children, services));
}

/** It stays, empty, where the runtime cannot start the container, of which people ask for it as of any other that has ended. */
async function openLog(attempt: Attempt): Promise<void> {
  const { logPath } = attempt.spec.stdio;
  if (logPath === '') return;
  attempt.logFile = new LogFile(logPath);
  await attempt.logFile.open();
}

/** What a create that was killed half way may have left in a directory that is used again. */
async function removeStale(directory: string): Promise<void> {
  const names = [PID_FILE, RECORD_FILE, CONSOLE_MESSAGES, CONSOLE_SOCKET, ...STDIO_FIFOS];
  await Promise.all(names.map((name) => rm(path.join(directory, name), { force: true })));
}

function openStdio(attempt: Attempt, children: Children): void {
  const { spec } = attempt;
  if (spec.stdio.tty) {
    attempt.console = new ConsoleSocket(spec.directory);
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | O.CLOEXEC;
    const messages = fs.openSync(path.join(spec.directory, CONSOLE_MESSAGES), flags, 0o600);
    attempt.containerEnds = { stdin: 'ignore', stdout: 'ignore', stderr: messages };
    children.saw(messages);
    return;
  }
  const { keeper, container } = makeFifos(spec.directory, spec.stdio);
  attempt.ends = keeper;
  attempt.containerEnds = container;
  children.saw(Math.max(container.stderr, keeper.stdin ?? 0));
}

async function runCreate(attempt: Attempt, children: Children, services: ContainerServices): Promise<void> {
  const { spec, containerEnds } = attempt;
  if (containerEnds === undefined) throw new Error('stdio is not open');
  const argv = spec.createArgv.map((argument) =>
    argument.replaceAll('{pidFile}', attempt.pidFile).replaceAll('{consoleSocket}', attempt.console?.path ?? ''),
  );
  const child = children.spawn(argv, spec.env, [containerEnds.stdin, containerEnds.stdout, containerEnds.stderr]);
  const end = childEnd(child, spec.createTimeoutMs);
  if (!spec.stdio.tty) dropContainerEnds(attempt);
  await saveCreator(attempt, child.pid, services).catch(async (error: unknown) => {
    await end.catch(() => undefined);
    throw error;
  });
  const { exitCode, timedOut } = await end;
  if (timedOut) {
    const message = `${spec.createArgv[0]} took longer than ${spec.createTimeoutMs} ms and was killed`;
    throw new CribError('DEADLINE_EXCEEDED', message);
  }
  if (exitCode !== 0) throw new CribError('INTERNAL', await whyItFailed(attempt, exitCode));
}

async function saveCreator(attempt: Attempt, pid: number | undefined, services: ContainerServices): Promise<void> {
  const startTime = pid === undefined ? undefined : startTimeOf(pid);
  if (pid === undefined || startTime === undefined) return; // it has ended
  await services.intents.save({ ...attempt.intent, creator: { pid, startTime } });
}

/** The runtime's own last error, else the end of its stderr (which is the container's). */
async function whyItFailed(attempt: Attempt, exitCode: number): Promise<string> {
  const message = await failureOf(attempt.spec.runtimeLog);
  if (message !== undefined) return message;
  const text = stderrOf(attempt).toString('utf8').trim();
  return text === '' ? `${attempt.spec.createArgv[0]} ended with exit code ${exitCode}` : text.slice(-STDERR_TAIL);
}

function stderrOf(attempt: Attempt): Buffer {
  if (attempt.ends?.stderr !== undefined) return readAvailable(attempt.ends.stderr, 65536);
  if (typeof attempt.containerEnds?.stderr !== 'number') return Buffer.alloc(0);
  const data = Buffer.alloc(65536);
  return data.subarray(0, fs.readSync(attempt.containerEnds.stderr, data, 0, data.length, 0));
}

/** From here on it is a container: its exit is watched, its output read. */
async function adopt(attempt: Attempt, children: Children, services: ContainerServices): Promise<Container> {
  const { spec } = attempt;
  const pid = Number((await readFile(attempt.pidFile, 'latin1')).trim());
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${attempt.pidFile} does not hold a process id`);
  const ended = children.hasEnded(pid);
  attempt.pidfd = ended || attempt.watched !== undefined ? -1 : openPidfd(pid);
  children.saw(attempt.pidfd);
  const startTime = ended ? '' : (startTimeOf(pid) ?? '');
  if (spec.stdio.tty) attempt.ends = takeTerminal(attempt);
  dropContainerEnds(attempt);
  const record = {
    id: spec.id,
    directory: spec.directory,
    pid,
    startTime,
    startedAt: String(nowNs()),
    logPath: spec.stdio.logPath,
    exit: undefined,
  };
  const ends = attempt.ends ?? { stdout: undefined, stderr: undefined, stdin: undefined, terminal: undefined };
  const { watched } = attempt;
  const handles = { pidfd: attempt.pidfd, watched, ends, logFile: attempt.logFile };
  const container = new Container(attempt.intent, record, handles, services);
  attempt.container = container;
  await container.save();
  if (watched !== undefined) void watched.start(record, (exitCode, signal) => container.exited(exitCode, signal));
  else children.watch(pid, (exit) => container.exited(exit.exitCode, exit.signal));
  return container;
}

function takeTerminal(attempt: Attempt): KeeperEnds {
  const terminal = attempt.console?.take();
  if (terminal === undefined) throw new Error('the runtime sent no terminal to the console socket');
  attempt.console?.close();
  delete attempt.console;
  return { stdout: undefined, stderr: undefined, stdin: undefined, terminal };
}

function dropContainerEnds(attempt: Attempt): void {
  if (attempt.containerEnds !== undefined) closeContainerEnds(attempt.containerEnds);
  delete attempt.containerEnds;
}

async function undo(attempt: Attempt, services: ContainerServices): Promise<void> {
  const { spec } = attempt;
  const failed = (step: string) => (error: unknown) =>
    services.log.warn({ id: spec.id, step, error: messageOf(error) }, 'could not undo a step of a failed create');
  await (attempt.watched?.killAll() ?? killInit(attempt)).catch(failed('kill init'));
  await killCgroups(spec.cgroupDirs).catch(failed('kill cgroup'));
  attempt.console?.close();
  dropContainerEnds(attempt);
  if (attempt.container !== undefined) attempt.container.abandon();
  else {
    if (attempt.ends !== undefined) closeKeeperEnds(attempt.ends);
    if (attempt.pidfd !== undefined && attempt.pidfd >= 0) fs.closeSync(attempt.pidfd);
    attempt.logFile?.close();
  }
  await rm(spec.directory, { recursive: true, force: true }).catch(failed('remove directory'));
  await services.intents.remove(spec.id).catch(failed('remove intent'));
}

/** The runtime may have left an init behind, which its pid file names: an orphan that nobody else has reaped. */
async function killInit(attempt: Attempt): Promise<void> {
  const pid = Number(await readFile(attempt.pidFile, 'latin1').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1 || parentOf(pid) !== process.pid) return;
  killByPid(pid);
}
