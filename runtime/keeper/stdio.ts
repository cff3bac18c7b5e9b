/**
 * The descriptors between a container and the keeper. stdout and stderr are FIFOs that the container holds open for
 * reading and writing, so that no death of a reader is ever a SIGPIPE; stdin is a FIFO that it only reads.
 */

import fs from 'node:fs';
import path from 'node:path';
import { codeOf } from '../errors.js';
import { F, O } from '../linux/constants.js';
import { fcntl, makeNode } from '../linux/files.js';
import { acceptUnix, listenUnix, MAX_SOCKET_PATH, receiveDescriptor } from '../linux/sockets.js';
import type { KeptStdio } from './protocol.js';

const READ = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | O.NOFOLLOW | O.CLOEXEC;
const WRITE = fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | O.NOFOLLOW | O.CLOEXEC;
const BOTH = fs.constants.O_RDWR | O.NOFOLLOW | O.CLOEXEC;

export const CONSOLE_SOCKET = 'console.sock';
export const STDIO_FIFOS = ['stdin', 'stdout', 'stderr'] as const;

const PIPE_BYTES = 1024 * 1024;
const PIPE_BYTES_WHEN_MANY = 256 * 1024;
const MANY_PIPES = 128;

let openPipes = 0;

/** The keeper's ends. */
export interface KeeperEnds {
  stdout: number | undefined;
  stderr: number | undefined;
  stdin: number | undefined;
  /** A terminal's master. */
  terminal: number | undefined;
}

/** What the creating process is started with: descriptors that the container inherits, to be closed after the spawn. */
export interface ContainerEnds {
  readonly stdin: number | 'ignore';
  readonly stdout: number | 'ignore';
  /** With a terminal: a file that the runtime's own messages go to. */
  readonly stderr: number;
}

/** Makes the FIFOs of a container without a terminal and opens both sides. On failure nothing stays open. */
export function makeFifos(directory: string, stdio: KeptStdio): { keeper: KeeperEnds; container: ContainerEnds } {
  const opened: number[] = [];
  const open = (name: string, flags: number) => {
    const fd = fs.openSync(path.join(directory, name), flags);
    opened.push(fd);
    return fd;
  };
  try {
    for (const name of STDIO_FIFOS) {
      if (name === 'stdin' && !stdio.stdin) continue;
      const file = path.join(directory, name);
      makeNode(file, fs.constants.S_IFIFO | 0o600);
      fs.lchownSync(file, stdio.uid, stdio.gid);
    }
    const keeper = {
      stdout: open('stdout', READ),
      stderr: open('stderr', READ),
      stdin: undefined,
      terminal: undefined,
    };
    for (const fd of [keeper.stdout, keeper.stderr]) enlarge(fd);
    const container = { stdout: open('stdout', BOTH), stderr: open('stderr', BOTH), stdin: 'ignore' as const };
    if (!stdio.stdin) return { keeper, container };
    const reader = open('stdin', READ);
    fcntl(reader, F.SETFL, fcntl(reader, F.GETFL) & ~fs.constants.O_NONBLOCK); // it would be inherited
    return { keeper: { ...keeper, stdin: open('stdin', WRITE) }, container: { ...container, stdin: reader } };
  } catch (error) {
    for (const fd of opened) fs.closeSync(fd);
    throw error;
  }
}

/** Opens those of the keeper's ends of FIFOs that are not `given`; what is gone stays undefined. */
export function reopenFifos(directory: string, given: Partial<Omit<KeeperEnds, 'terminal'>> = {}): KeeperEnds {
  const tryOpen = (name: string, flags: number) => {
    try {
      return fs.openSync(path.join(directory, name), flags);
    } catch (error) {
      if (codeOf(error) === 'RESOURCE_EXHAUSTED') throw error;
      return undefined; // ENOENT: a terminal or no stdin; ENXIO: nobody reads stdin any more
    }
  };
  return {
    stdout: given.stdout ?? tryOpen('stdout', READ),
    stderr: given.stderr ?? tryOpen('stderr', READ),
    stdin: given.stdin ?? tryOpen('stdin', WRITE),
    terminal: undefined,
  };
}

/** Its reader has seen the end of stdin, or has gone: no later keeper opens it again. */
export function removeStdin(directory: string): void {
  fs.rmSync(path.join(directory, 'stdin'), { force: true });
}

/** Best effort: an unprivileged keeper is bounded by fs.pipe-user-pages-soft (pipe(7)). */
function enlarge(fd: number): void {
  try {
    fcntl(fd, F.SETPIPE_SZ, openPipes < MANY_PIPES ? PIPE_BYTES : PIPE_BYTES_WHEN_MANY);
  } catch {
    // EPERM: the default of 64 KiB does too
  }
}

/** Counts containers' pipes, so that many of them are smaller each. */
export function countPipes(change: number): void {
  openPipes += change;
}

export function closeContainerEnds(ends: ContainerEnds): void {
  for (const fd of [ends.stdin, ends.stdout, ends.stderr]) if (typeof fd === 'number') fs.closeSync(fd);
}

export function closeKeeperEnds(ends: KeeperEnds): void {
  for (const fd of [ends.stdin, ends.stdout, ends.stderr, ends.terminal]) if (fd !== undefined) fs.closeSync(fd);
}

/** Where an OCI runtime sends the master of the terminal it makes (`--console-socket`). */
export class ConsoleSocket {
  /** The path to give to the runtime; through /proc where the real one is too long for sun_path. */
  readonly path: string;
  readonly #listener: number;
  readonly #directoryFd: number;

  constructor(directory: string, name = CONSOLE_SOCKET) {
    const real = path.join(directory, name);
    this.#directoryFd = fs.openSync(directory, O.PATH | O.DIRECTORY | O.CLOEXEC);
    const short = `/proc/${process.pid}/fd/${this.#directoryFd}/${name}`;
    this.path = Buffer.byteLength(real) <= MAX_SOCKET_PATH ? real : short;
    try {
      this.#listener = listenUnix(this.path);
    } catch (error) {
      fs.closeSync(this.#directoryFd);
      throw error;
    }
    try {
      fs.chmodSync(real, 0o600);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The master, once the runtime has ended well: it has connected and sent by then. */
  take(): number | undefined {
    const connection = acceptUnix(this.#listener);
    if (connection === undefined) return undefined;
    try {
      return receiveDescriptor(connection);
    } finally {
      fs.closeSync(connection);
    }
  }

  close(): void {
    fs.closeSync(this.#listener);
    fs.closeSync(this.#directoryFd);
  }
}
