/**
 * A kept container from when its init is known to when it is forgotten.
 *
 *   created --init exits--> ending (kill the rest, drain, flush, record) --> exited --forget--> gone
 */

import fs from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../errors.js';
import { signalPidfd } from '../linux/processes.js';
import type { Log } from '../log.js';
import { killCgroups } from './cgroup-kill.js';
import { nowNs } from './clock.js';
import type { LogFile } from './log-file.js';
import { OutputReader } from './output.js';
import type { KeptContainer } from './protocol.js';
import { type Intent, type Intents, saveRecord } from './record.js';
import { countPipes, type KeeperEnds } from './stdio.js';

/** A process outside the container may hold the FIFOs after init's exit: silence this long is the end, */
const DRAIN_IDLE_MS = 1000;
/** and so is this time altogether. */
const DRAIN_MAX_MS = 15_000;
const FLUSH_MAX_MS = 15_000;
const RECORD_ATTEMPTS = 4;

export interface ContainerServices {
  readonly intents: Intents;
  readonly log: Log;
  /** Told once the exit record is durable. */
  readonly onExit: (container: KeptContainer) => void;
}

export interface ContainerHandles {
  /** -1 when init had ended before one could be opened. */
  readonly pidfd: number;
  readonly ends: KeeperEnds;
  readonly logFile: LogFile | undefined;
}

export class Container {
  readonly intent: Intent;
  readonly #services: ContainerServices;
  readonly #logFile: LogFile | undefined;
  readonly #readers: OutputReader[] = [];
  #record: KeptContainer;
  #pidfd: number;
  #stdin: number | undefined;
  #recorded: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;

  /** Owns `handles` from here on and reads the container's output. */
  constructor(intent: Intent, record: KeptContainer, handles: ContainerHandles, services: ContainerServices) {
    this.intent = intent;
    this.#record = record;
    this.#services = services;
    this.#pidfd = handles.pidfd;
    this.#logFile = handles.logFile;
    this.#stdin = handles.ends.stdin;
    const { stdout, stderr, terminal } = handles.ends;
    if (stdout !== undefined) this.#readers.push(this.#reader(stdout, 'stdout'));
    if (stderr !== undefined) this.#readers.push(this.#reader(stderr, 'stderr'));
    if (terminal !== undefined) this.#readers.push(this.#reader(terminal, 'tty'));
    countPipes(this.#readers.length);
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

  /** Init has ended, with `exitCode` undefined where nothing can know. Only the first call counts. */
  exited(exitCode: number | undefined, signal: number): void {
    if (this.#ending !== undefined || this.#record.exit !== undefined) return;
    const exit = { exitCode, signal, finishedAt: String(nowNs()) };
    this.#closePidfd();
    this.#ending = this.#end({ ...this.#record, exit }).catch((error: unknown) => {
      this.#services.log.error({ id: this.#record.id, error: messageOf(error) }, 'ending a container failed');
    });
  }

  /** No error when init has exited. */
  signal(signal: number): void {
    if (this.#pidfd >= 0) signalPidfd(this.#pidfd, signal);
  }

  async killAll(): Promise<void> {
    this.signal(9);
    await killCgroups(this.intent.cgroupDirs);
  }

  async reopenLog(): Promise<void> {
    if (this.#record.exit !== undefined) {
      throw new CribError('FAILED_PRECONDITION', `reopening the log of container ${this.#record.id}: it has exited`);
    }
    await this.#logFile?.reopen();
  }

  /** Writes to the container's stdin as much as fits; returns the count. An ended reader is FAILED_PRECONDITION. */
  writeStdin(data: Buffer): number {
    if (this.#stdin === undefined) {
      throw new CribError('FAILED_PRECONDITION', `writing to container ${this.#record.id}: its stdin is closed`);
    }
    try {
      return fs.writeSync(this.#stdin, data);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
      throw new CribError('FAILED_PRECONDITION', `writing to container ${this.#record.id}: ${messageOf(error)}`);
    }
  }

  /** The container reads EOF. Idempotent. */
  closeStdin(): void {
    if (this.#stdin !== undefined) fs.closeSync(this.#stdin);
    this.#stdin = undefined;
  }

  /** Removes everything of an exited container. Throws FAILED_PRECONDITION while init runs. */
  async forget(): Promise<void> {
    if (this.#record.exit === undefined && this.#ending === undefined) {
      throw new CribError('FAILED_PRECONDITION', `forgetting container ${this.#record.id}: its init is running`);
    }
    await this.#ending;
    await rm(this.#record.directory, { recursive: true, force: true });
    await this.#services.intents.remove(this.#record.id);
  }

  /** Lets go of a container whose creating failed: its processes are gone, nothing is recorded. */
  abandon(): void {
    this.#ending = Promise.resolve();
    this.#closePidfd();
    this.#closeStdio();
    this.#logFile?.close();
  }

  #reader(fd: number, stream: 'stdout' | 'stderr' | 'tty'): OutputReader {
    return new OutputReader(fd, stream, this.#logFile, this.intent.stdio.maxLineBytes);
  }

  async #end(record: KeptContainer): Promise<void> {
    await this.#recorded.catch(() => undefined);
    await killCgroups(this.intent.cgroupDirs);
    await Promise.all(this.#readers.map((reader) => reader.drained(DRAIN_IDLE_MS, DRAIN_MAX_MS)));
    this.#closeStdio();
    await this.#logFile?.flush(FLUSH_MAX_MS);
    this.#logFile?.close();
    await this.#saveExit(record);
    this.#record = record;
    this.#services.onExit(record);
  }

  /** A state disk that is full is waited for, but not for ever: then the exit is at least told. */
  async #saveExit(record: KeptContainer): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await saveRecord(record);
        return;
      } catch (error) {
        this.#services.log.error({ id: record.id, error: messageOf(error) }, 'an exit could not be recorded');
        if (attempt === RECORD_ATTEMPTS) return;
      }
      await sleep(500);
    }
  }

  #closePidfd(): void {
    if (this.#pidfd >= 0) fs.closeSync(this.#pidfd);
    this.#pidfd = -1;
  }

  #closeStdio(): void {
    this.closeStdin();
    for (const reader of this.#readers) reader.close();
    countPipes(-this.#readers.length);
    this.#readers.length = 0;
  }
}
