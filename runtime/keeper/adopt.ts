/**
 * What a new keeper process does with what an earlier one left: takes running containers over, records the exits that
 * nobody saw, and undoes what was half created.
 */

import fs from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { atOnce } from '../all-done.js';
import { messageOf } from '../errors.js';
import { O } from '../linux/constants.js';
import { pollReadable } from '../linux/descriptors.js';
import { errnoName } from '../linux/libc.js';
import { parentOf, pidfdExit, startTimeOf, tryOpenPidfd } from '../linux/processes.js';
import { killCgroups } from './cgroup-kill.js';
import { type Children, killGroupOf } from './children.js';
import { Container, type ContainerHandles, type ContainerServices } from './container.js';
import { closeDescriptors, type HandedContainer } from './handover.js';
import { killByPid } from './kill-process.js';
import { LogFile } from './log-file.js';
import type { KeptContainer } from './protocol.js';
import { type Intent, loadRecord } from './record.js';
import { type KeeperEnds, reopenFifos } from './stdio.js';
import { isAlive, WatchedInit } from './watched-init.js';

const GAP = 'keeper restarted, output may be missing';
const POLL_MS = 100;
/** Each has a few files open on the way, beside what it keeps. */
const AT_ONCE = 16;
/** How long after its end the real parent may take to reap an adopted init; only then does the kernel tell its exit. */
const REAP_WAIT_MS = 2000;
const NO_ENDS: KeeperEnds = { stdout: undefined, stderr: undefined, stdin: undefined, terminal: undefined };

/** Watches the inits that are not children of this process: their parent was the keeper that died. */
export class AdoptedInits {
  readonly #running = new Map<number, Container>();
  readonly #ended = new Map<number, { readonly container: Container; readonly since: number }>();
  #timer: NodeJS.Timeout | undefined;

  add(container: Container): void {
    if (container.pidfd === undefined) return;
    this.#running.set(container.pidfd, container);
    this.#timer ??= setInterval(() => this.#poll(), POLL_MS);
  }

  #poll(): void {
    for (const [pidfd, container] of this.#running) if (container.pidfd !== pidfd) this.#running.delete(pidfd);
    for (const pidfd of pollReadable([...this.#running.keys()])) {
      const container = this.#running.get(pidfd);
      this.#running.delete(pidfd);
      if (container !== undefined) this.#ended.set(pidfd, { container, since: performance.now() });
    }
    for (const [pidfd, { container, since }] of this.#ended) {
      const exit = container.pidfd === pidfd ? pidfdExit(pidfd) : undefined;
      if (exit === undefined && container.pidfd === pidfd && performance.now() - since < REAP_WAIT_MS) continue;
      this.#ended.delete(pidfd);
      container.exited(exit?.exitCode, exit?.signal ?? 0);
    }
    if (this.#running.size + this.#ended.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * The containers that are recorded under the state directory. One that cannot be taken over does not keep the rest out,
 * and one that takes long to undo does not hold them up: who waits for this keeper waits for the slowest, not for all.
 * Throws where there is no room for them (EMFILE): else what runs would be taken for ended.
 * `handed`: descriptors of theirs; those of containers that are not recorded are closed.
 */
export async function adoptAll(
  children: Children,
  services: ContainerServices,
  handed: readonly HandedContainer[] = [],
): Promise<Container[]> {
  const { intents, unreadable } = await services.intents.load();
  for (const file of unreadable) services.log.error({ file }, 'a container record cannot be read and was left alone');
  const inits = new AdoptedInits();
  const left = new Map(handed.map((container) => [container.id, container]));
  const taken: Container[] = [];
  await atOnce(intents, AT_ONCE, async (intent) => {
    try {
      const container = await takeOver(intent, left, inits, children, services);
      if (container !== undefined) taken.push(container);
    } catch (error) {
      if (['EMFILE', 'ENFILE'].includes(errnoName(error) ?? '')) throw error;
      services.log.error({ id: intent.id, error: messageOf(error) }, 'a container could not be taken over');
    }
  });
  for (const { descriptors } of left.values()) closeDescriptors(descriptors);
  return taken;
}

/** Takes what was handed over of it from `left`. undefined: it was being made, and is undone. */
async function takeOver(
  intent: Intent,
  left: Map<string, HandedContainer>,
  inits: AdoptedInits,
  children: Children,
  services: ContainerServices,
): Promise<Container | undefined> {
  const record = await loadRecord(intent.directory);
  if (record === undefined) {
    await undoCreate(intent, children, services);
    return undefined;
  }
  if (record.exit !== undefined) return exitedOne(intent, record, services);
  const given = left.get(intent.id);
  left.delete(intent.id);
  const handles = await handlesOf(intent, record, given, children, services);
  const container = new Container(intent, record, handles, services);
  if (given?.memory?.exit === undefined) adoptOne(container, handles, children, inits);
  return container;
}

function exitedOne(intent: Intent, record: KeptContainer, services: ContainerServices): Container {
  return new Container(intent, record, { pidfd: -1, ends: NO_ENDS, logFile: undefined }, services);
}

/** What was handed over, and what of the rest can be opened again by its path or pid. */
async function handlesOf(
  intent: Intent,
  record: KeptContainer,
  given: HandedContainer | undefined,
  children: Children,
  services: ContainerServices,
): Promise<ContainerHandles> {
  const watched = intent.watch === undefined ? undefined : new WatchedInit(intent.watch, children);
  const { pidfd = watched === undefined ? openInit(record) : -1, ...others } = given?.descriptors ?? {};
  if (given?.memory === undefined && others.stdin !== undefined && isStdinClosed(intent.directory)) {
    fs.closeSync(others.stdin);
    delete others.stdin;
  }
  if (given?.memory !== undefined) {
    const { memory } = given;
    const logFile = intent.stdio.logPath === '' ? undefined : new LogFile(intent.stdio.logPath);
    if (memory.log !== undefined) logFile?.resume(memory.log);
    return { pidfd, watched, ends: { ...NO_ENDS, ...others }, logFile, memory };
  }
  const logFile = await openLogAgain(intent, services);
  const ends = { ...reopenFifos(intent.directory, others), terminal: others.terminal };
  return { pidfd, watched, ends, logFile };
}

/** The keeper that died had closed it, and not told yet those who held it. */
function isStdinClosed(directory: string): boolean {
  return !fs.existsSync(path.join(directory, 'stdin'));
}

async function openLogAgain(intent: Intent, services: ContainerServices): Promise<LogFile | undefined> {
  if (intent.stdio.logPath === '') return undefined;
  const logFile = new LogFile(intent.stdio.logPath);
  try {
    const isNew = await logFile.open();
    if (!isNew) endTornLine(intent.stdio.logPath);
    logFile.note(GAP);
    return logFile;
  } catch (error) {
    services.log.error(
      { id: intent.id, error: messageOf(error) },
      'output of a container is lost until it is reopened',
    );
    return logFile;
  }
}

/** From here on its exit is watched, if it is not known already. */
function adoptOne(
  container: Container,
  { pidfd, watched, memory }: ContainerHandles,
  children: Children,
  inits: AdoptedInits,
): void {
  const { record } = container;
  for (const fd of Object.values(container.descriptors)) children.saw(fd);
  if (memory?.watcher !== undefined) killGroupOf(memory.watcher);
  if (watched !== undefined && isAlive(record)) {
    void watched.start(record, (exitCode, signal) => container.exited(exitCode, signal));
  } else if (pidfd < 0) {
    container.exited(undefined, 0);
  } else {
    const isOurs = memory !== undefined && parentOf(record.pid) === process.pid;
    if (isOurs) children.watch(record.pid, (exit) => container.exited(exit.exitCode, exit.signal));
    else inits.add(container);
  }
}

/** A keeper that is killed while it writes may leave a part of a line: what follows must not be taken for the rest. */
function endTornLine(file: string): void {
  const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_APPEND | O.NOFOLLOW | O.CLOEXEC);
  try {
    const { size } = fs.fstatSync(fd);
    const last = Buffer.from('\n');
    if (size > 0) fs.readSync(fd, last, 0, 1, size - 1);
    if (last.toString() !== '\n') fs.writeSync(fd, '\n');
  } finally {
    fs.closeSync(fd);
  }
}

/** A pidfd of the very process that was recorded; -1 when it has ended. */
function openInit(record: KeptContainer): number {
  const pidfd = tryOpenPidfd(record.pid);
  if (pidfd === undefined) return -1;
  const startTime = startTimeOf(record.pid); // undefined: a zombie, whose start time can still be told apart by nobody else
  if (startTime === record.startTime) return pidfd;
  fs.closeSync(pidfd);
  return -1;
}

/**
 * The keeper was killed while this was being created: nobody was told of it, so it goes. An init is in its cgroup before
 * the runtime names it in the pid file, which may name a process by now that has nothing to do with it.
 */
async function undoCreate(intent: Intent, children: Children, services: ContainerServices): Promise<void> {
  services.log.warn({ id: intent.id }, 'undoing a container whose creating was cut off');
  if (intent.creator !== undefined) killByPid(intent.creator.pid, intent.creator.startTime);
  if (intent.watch !== undefined) await new WatchedInit(intent.watch, children).killAll();
  await killCgroups(intent.cgroupDirs);
  await rm(intent.directory, { recursive: true, force: true });
  await services.intents.remove(intent.id);
}
