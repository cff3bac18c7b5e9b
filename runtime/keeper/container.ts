/**
 * A kept container from when its init is known to when it is forgotten.
 *
 *   created --init exits--> ending (kill the rest, drain, flush, record) --> exited --forget--> gone
 */

import fs from 'node:fs';
import { nowNs } from '../clock.js';
import { CribError, messageOf } from '../errors.js';
import { signalPidfd } from '../linux/processes.js';
import { setWindowSize } from '../linux/terminals.js';
import type { Log } from '../log.js';
import { step } from '../steps.js';
import { Attachment } from './attachment.js';
import { killCgroups } from './cgroup-kill.js';
import type { ContainerMemory, Descriptors } from './handover.js';
import type { Holders } from './holders.js';
import { ContainerInput, Keyboard } from './input.js';
import type { LogFile } from './log-file.js';
import { OutputReader } from './output.js';
import type { OpenedPipes } from './passed-pipe.js';
import { PipeWriter } from './pipe-writer.js';
import type { KeptContainer, KeptExit } from './protocol.js';
import { type Intent, type Intents, saveExit, saveRecord } from './record.js';
import { countPipes, type KeeperEnds, removeStdin } from './stdio.js';
import type { WatchedInit } from './watched-init.js';

/** A process outside the container may hold the FIFOs after init's exit: silence this long is the end, */
const DRAIN_IDLE_MS = 1000;
/** less where another kernel had all processes: they are killed, and it has passed on what they wrote; */
const WATCHED_DRAIN_IDLE_MS = 50;
/** and so is this time altogether. */
const DRAIN_MAX_MS = 15_000;
const FLUSH_MAX_MS = 15_000;
const SIGKILL = 9;

export interface ContainerServices {
  readonly intents: Intents;
  readonly holders: Holders;
  readonly log: Log;
  /** Told once the exit record is durable. */
  readonly onExit: (container: KeptContainer) => void;
}

export interface ContainerHandles {
  /** -1 when init had ended before one could be opened, and for one that is watched. */
  readonly pidfd: number;
  readonly watched?: WatchedInit | undefined;
  readonly ends: KeeperEnds;
  readonly logFile: LogFile | undefined;
  /** Of the program that this process was before. */
  readonly memory?: ContainerMemory;
}

export class Container {
  readonly intent: Intent;
  readonly #services: ContainerServices;
  readonly #logFile: LogFile | undefined;
  /** A terminal's is `stdout`. */
  readonly #readers: { stdout?: OutputReader; stderr?: OutputReader } = {};
  #record: KeptContainer;
  #pidfd: number;
  readonly #watched: WatchedInit | undefined;
  readonly #terminal: number | undefined;
  readonly #attachments = new Set<Attachment>();
  /** The FIFO until somebody attaches, then what feeds it. */
  #stdin: number | undefined;
  #input: ContainerInput | undefined;
  /** The writer of the FIFO, until it is closed. */
  #stdinWriter: PipeWriter | undefined;
  #recorded: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #frozen = false;
  /** Seen while it was frozen. */
  #lateExit: KeptExit | undefined;

  /** Owns `handles` from here on and reads the container's output. */
  constructor(intent: Intent, record: KeptContainer, handles: ContainerHandles, services: ContainerServices) {
    this.intent = intent;
    this.#record = record;
    this.#services = services;
    this.#pidfd = handles.pidfd;
    this.#watched = handles.watched;
    this.#logFile = handles.logFile;
    this.#stdin = handles.ends.stdin;
    this.#terminal = handles.ends.terminal;
    const { stdout, stderr, terminal } = handles.ends;
    const unfinished = (name: 'stdout' | 'stderr') => Buffer.from(handles.memory?.[name] ?? '', 'base64');
    const read = (fd: number, stream: 'stdout' | 'stderr' | 'tty') => {
      const name = stream === 'tty' ? 'stdout' : stream;
      const { maxLineBytes } = intent.stdio;
      this.#readers[name] = new OutputReader(fd, stream, handles.logFile, maxLineBytes, unfinished(name));
      countPipes(1);
    };
    if (stdout !== undefined) read(stdout, 'stdout');
    if (stderr !== undefined) read(stderr, 'stderr');
    if (terminal !== undefined) read(terminal, 'tty');
    if (handles.memory?.exit !== undefined) this.#begin(handles.memory.exit);
  }

  get record(): KeptContainer {
    return this.#record;
  }

  /** The descriptor that becomes readable when init ends; undefined once it has. */
  get pidfd(): number | undefined {
    return this.#pidfd < 0 ? undefined : this.#pidfd;
  }

  /** Writes the record. An exit that is seen meanwhile waits for it. */
  async save(): Promise<void> {
    this.#recorded = saveRecord(this.#record);
    await this.#recorded;
  }

  /** What the keeper has open of it and another process can hold; empty once its exit is recorded. */
  get descriptors(): Descriptors {
    if (this.#record.exit !== undefined) return {};
    const { stdout, stderr } = this.#readers;
    const output = { stdout: stdout?.memory.fd, stderr: stderr?.memory.fd };
    const ends = this.#terminal === undefined ? output : { terminal: output.stdout };
    const all = { pidfd: this.pidfd, stdin: this.#stdin ?? this.#stdinWriter?.descriptor, ...ends };
    return Object.fromEntries(Object.entries(all).filter(([, fd]) => fd !== undefined));
  }

  /** Init has ended, with `exitCode` undefined where nothing can know. Only the first call counts. */
  exited(exitCode: number | undefined, signal: number): void {
    if (this.#ending !== undefined || this.#record.exit !== undefined || this.#lateExit !== undefined) return;
    const exit = { exitCode, signal, finishedAt: String(nowNs()) };
    if (this.#frozen) this.#lateExit = exit;
    else this.#begin(exit);
  }

  /** Takes nothing in and ends nothing until `thaw`. One that is ending goes on. */
  freeze(): void {
    if (this.#ending !== undefined) return;
    this.#frozen = true;
    for (const reader of Object.values(this.#readers)) reader.freeze();
    for (const attachment of this.#attachments) attachment.freeze();
  }

  thaw(): void {
    this.#frozen = false;
    for (const reader of Object.values(this.#readers)) reader.thaw();
    for (const attachment of this.#attachments) attachment.thaw();
    if (this.#lateExit !== undefined) this.#begin(this.#lateExit);
  }

  /** Nothing of it is in motion any more: its memory is all that there is of it. */
  get isStill(): boolean {
    if (this.#record.exit !== undefined) return true;
    if (!this.#frozen || this.#logFile?.isStill === false || this.#input?.isStill === false) return false;
    return [...this.#attachments].every((attachment) => attachment.pipes !== undefined);
  }

  get memory(): ContainerMemory {
    const { stdout, stderr } = this.#readers;
    const text = (reader: OutputReader | undefined) => reader?.memory.unfinished.toString('base64') ?? '';
    const log = this.#logFile?.memory;
    return { stdout: text(stdout), stderr: text(stderr), log, exit: this.#lateExit, watcher: this.#watched?.waiting };
  }

  /** No error when init has exited. */
  async signal(signal: number): Promise<void> {
    if (this.#pidfd >= 0) signalPidfd(this.#pidfd, signal);
    else if (this.#ending === undefined) await this.#watched?.signal(signal);
  }

  async killAll(): Promise<void> {
    if (this.#pidfd >= 0) signalPidfd(this.#pidfd, SIGKILL);
    await this.#watched?.killAll();
    await killCgroups(this.intent.cgroupDirs);
  }

  async reopenLog(): Promise<void> {
    if (this.#record.exit !== undefined) {
      throw new CribError('FAILED_PRECONDITION', `reopening the log of container ${this.#record.id}: it has exited`);
    }
    await this.#logFile?.reopen();
  }

  /**
   * Connects a client's pipes, and owns them then. Throws FAILED_PRECONDITION when the container has exited, or is one
   * with a terminal that was lost with an earlier keeper.
   */
  attach(pipes: OpenedPipes): Attachment {
    const { id, exit } = this.#record;
    if (this.#ending !== undefined || exit !== undefined) {
      throw new CribError('FAILED_PRECONDITION', `container ${id} has exited`);
    }
    const { tty, stdinOnce } = this.intent.stdio;
    if (tty && this.#terminal === undefined) {
      throw new CribError('FAILED_PRECONDITION', `the terminal of container ${id} was lost with an earlier keeper`);
    }
    const { stdout, stderr } = this.#readers;
    const to = { stdout, stderr, input: this.#joinInput(), closesInput: stdinOnce && !tty };
    const attachment = new Attachment(pipes, to);
    this.#attachments.add(attachment);
    const gone = () => this.#attachments.delete(attachment);
    attachment.done.then(gone, gone);
    return attachment;
  }

  /** Sets the size of its terminal's window. No error where there is none any more. */
  resize(columns: number, rows: number): void {
    if (this.#terminal !== undefined && this.#readers.stdout?.ended === false)
      setWindowSize(this.#terminal, columns, rows);
  }

  /** Removes everything of an exited container. Throws FAILED_PRECONDITION while init runs. */
  async forget(): Promise<void> {
    if (this.#record.exit === undefined && this.#ending === undefined) {
      throw new CribError('FAILED_PRECONDITION', `forgetting container ${this.#record.id}: its init is running`);
    }
    await this.#ending;
    // In place: a few small files, mostly in memory.
    await step('keeper/forget', async () => fs.rmSync(this.#record.directory, { recursive: true, force: true }));
    await this.#services.intents.remove(this.#record.id);
  }

  /** Lets go of a container whose creating failed: its processes are gone, nothing is recorded. */
  abandon(): void {
    this.#ending = Promise.resolve();
    this.#watched?.close();
    this.#closePidfd();
    this.#closeStdio();
    this.#logFile?.close();
  }

  #joinInput(): ContainerInput | undefined {
    const fd = this.#stdin;
    this.#stdin = undefined;
    if (fd !== undefined) this.#input = this.#feed(new PipeWriter(fd, 0));
    const keyboard = this.#terminal === undefined ? undefined : this.#readers.stdout?.keyboard;
    if (keyboard !== undefined && this.intent.stdio.stdin) this.#input ??= new ContainerInput(new Keyboard(keyboard));
    return this.#input;
  }

  /** Once it is closed nobody may open it again, nor hold it open. */
  #feed(writer: PipeWriter): ContainerInput {
    this.#stdinWriter = writer;
    void writer.closed.then(() => {
      removeStdin(this.#record.directory);
      this.#services.holders.drop(this.#record.id, ['stdin']);
    });
    return new ContainerInput(writer);
  }

  #begin(exit: KeptExit): void {
    this.#ending = this.#end({ ...this.#record, exit }).catch((error: unknown) => {
      this.#services.log.error({ id: this.#record.id, error: messageOf(error) }, 'ending a container failed');
    });
  }

  async #end(record: KeptContainer): Promise<void> {
    await this.#recorded.catch(() => undefined);
    await step('keeper/end', () => this.#killAndDrain()).catch((error: unknown) => {
      this.#services.log.error({ id: record.id, error: messageOf(error) }, 'what init left could not be ended well');
    });
    this.#closeStdio();
    await this.#logFile?.flush(FLUSH_MAX_MS);
    this.#logFile?.close();
    await saveExit(record, this.#services.log);
    this.#closePidfd();
    this.#services.holders.drop(record.id);
    this.#record = record;
    this.#services.onExit(record);
  }

  async #killAndDrain(): Promise<void> {
    this.#watched?.close();
    await this.#watched?.killAll().catch(() => undefined); // its sandbox may be gone
    await killCgroups(this.intent.cgroupDirs);
    const readers = Object.values(this.#readers);
    for (const reader of readers) reader.ignoreSlowTaps();
    const idleMs = this.#watched === undefined ? DRAIN_IDLE_MS : WATCHED_DRAIN_IDLE_MS;
    await Promise.all(readers.map((reader) => reader.drained(idleMs, DRAIN_MAX_MS)));
  }

  #closePidfd(): void {
    if (this.#pidfd >= 0) fs.closeSync(this.#pidfd);
    this.#pidfd = -1;
  }

  #closeStdio(): void {
    for (const attachment of this.#attachments) attachment.containerEnded();
    if (this.#stdin !== undefined) fs.closeSync(this.#stdin);
    this.#stdin = undefined;
    this.#input?.destroy();
    for (const reader of Object.values(this.#readers)) reader.close();
    countPipes(-Object.keys(this.#readers).length);
    delete this.#readers.stdout;
    delete this.#readers.stderr;
  }
}
