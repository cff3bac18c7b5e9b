/**
 * Pipes that a client makes and the keeper opens, through /proc/PID/fd of the client: what a session carries never goes
 * through the keeper's socket. Opened anew, an end has flags of its own (O_NONBLOCK) and nothing lies on disk for it.
 */

import fs from 'node:fs';
import { CribError, codeOf, messageOf } from '../errors.js';
import { F, O } from '../linux/constants.js';
import { fcntl } from '../linux/files.js';

/** One end of a pipe that a process holds open. */
export interface PassedPipe {
  readonly pid: number;
  readonly fd: number;
  /** st_ino in decimal: the pid may be another process by now. */
  readonly inode: string;
}

/** The pipes of one session; what is undefined was not asked for. */
export interface PassedPipes {
  readonly stdin?: PassedPipe;
  readonly stdout?: PassedPipe;
  readonly stderr?: PassedPipe;
}

export type PipeName = keyof PassedPipes;

/** What of PassedPipes was opened. */
export type OpenedPipes = Partial<Record<PipeName, number>>;

/** How to pass `fd`, an end of a pipe of this process. */
export function passPipe(fd: number): PassedPipe {
  return { pid: process.pid, fd, inode: String(fs.fstatSync(fd, { bigint: true }).ino) };
}

/** Opens all of them, stdin for reading and the others for writing, non-blocking. On failure nothing stays open. */
export function openPassed(pipes: PassedPipes): OpenedPipes {
  const opened: OpenedPipes = {};
  try {
    for (const name of ['stdin', 'stdout', 'stderr'] as const) {
      const pipe = pipes[name];
      if (pipe !== undefined) opened[name] = openOne(name, pipe);
    }
    return opened;
  } catch (error) {
    closeOpened(opened);
    throw error;
  }
}

function openOne(name: PipeName, { pid, fd, inode }: PassedPipe): number {
  const access = name === 'stdin' ? fs.constants.O_RDONLY : fs.constants.O_WRONLY;
  let opened: number;
  try {
    opened = fs.openSync(`/proc/${pid}/fd/${fd}`, access | fs.constants.O_NONBLOCK | O.CLOEXEC);
  } catch (error) {
    const code = codeOf(error) === 'RESOURCE_EXHAUSTED' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
    throw new CribError(code, `opening ${name} of the client: ${messageOf(error)}`, { cause: error });
  }
  const found = fs.fstatSync(opened, { bigint: true });
  if (found.isFIFO() && String(found.ino) === inode) return opened;
  fs.closeSync(opened);
  throw new CribError('FAILED_PRECONDITION', `opening ${name} of the client: fd ${fd} of process ${pid} is another`);
}

/** As a program expects its stdio. */
export function makeBlocking(opened: OpenedPipes): void {
  for (const fd of Object.values(opened)) fcntl(fd, F.SETFL, fcntl(fd, F.GETFL) & ~fs.constants.O_NONBLOCK);
}

export function closeOpened(opened: OpenedPipes): void {
  for (const fd of Object.values(opened)) fs.closeSync(fd);
}
