/**
 * Child processes of the keeper: those it spawns, which libuv reaps, and those it inherits as the subreaper (inits
 * whose OCI runtime has ended, and orphans), which are reaped here.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import os from 'node:os';
import { P, RLIMIT_NOFILE } from '../linux/constants.js';

import { type ChildExit, type ResourceLimit, resourceLimit, waitForExit } from '../linux/processes.js';
import { killTree } from './kill-process.js';
import { openNull } from './null-device.js';

/** Descriptors that a spawn may need beyond those that are open. */
const SPAWN_MARGIN = 64;
/** Lowers its soft limit of open files to the first argument and becomes what the others say. */
const LIMITED = ['/bin/sh', '-c', 'ulimit -Sn "$0" && exec "$@"'];

type Stream = 'ignore' | 'pipe' | number;

export class Children {
  readonly #ours = new Set<number>();
  readonly #watched = new Map<number, (exit: ChildExit) => void>();
  /** Exits of pids that nobody has asked for yet, by pid, kept while a start that was in progress then may still ask. */
  readonly #unclaimed = new Map<number, { readonly exit: ChildExit; readonly at: number }>();
  readonly #raised: ResourceLimit;
  readonly #original: ResourceLimit;
  /** When each start in progress began; a Set keeps the order. */
  readonly #starts = new Set<{ readonly at: number }>();
  #highestFd = 0;
  readonly #null = openNull();
  readonly #onSignal = () => this.#reap();

  /** `softFiles`: the soft RLIMIT_NOFILE that children get, for Node has raised its own. */
  constructor(softFiles: bigint | undefined) {
    this.#raised = resourceLimit(RLIMIT_NOFILE);
    const soft = softFiles === undefined || softFiles > this.#raised.hard ? this.#raised.soft : softFiles;
    this.#original = { soft, hard: this.#raised.hard };
    process.on('SIGCHLD', this.#onSignal);
  }

  /** Reaps what has ended before; to be called once everybody is watched who may have. */
  catchUp(): void {
    this.#reap();
  }

  /** Tells of a descriptor's number, so that the limit is never set below what is open. */
  saw(fd: number): void {
    if (fd > this.#highestFd) this.#highestFd = fd;
  }

  /**
   * child_process.spawn in a process group of its own and with the limits the keeper was started with. What is ignored
   * is a /dev/null that an OCI runtime cannot give away.
   */
  spawn(argv: readonly string[], env: Readonly<Record<string, string>>, streams: readonly Stream[]): ChildProcess {
    const stdio = streams.map((stream) => (stream === 'ignore' ? this.#null : stream));
    const child = this.#limited(argv, (file, args) => spawn(file, args, { env: { ...env }, stdio, detached: true }));
    const pid = child.pid;
    if (pid === undefined) return child;
    this.#ours.add(pid);
    child.once('exit', () => this.#ours.delete(pid));
    return child;
  }

  /**
   * A limit can be below what is open, but nothing more is opened then, as a spawn must: so with many open a shell sets
   * it. Set on the child afterwards it would come too late for what that has started already.
   */
  #limited(argv: readonly string[], start: (file: string, args: string[]) => ChildProcess): ChildProcess {
    const [file = '', ...args] = argv;
    const { soft } = this.#original;
    if (soft === this.#raised.soft) return start(file, args);
    if (soft <= BigInt(this.#highestFd + SPAWN_MARGIN)) {
      const [shell = '', ...before] = LIMITED;
      return start(shell, [...before, String(soft), ...argv]);
    }
    resourceLimit(RLIMIT_NOFILE, this.#original);
    try {
      return start(file, args);
    } finally {
      resourceLimit(RLIMIT_NOFILE, this.#raised);
    }
  }

  /**
   * From before a start (of an init, of an exec, of this program with what it was handed) until its process is watched:
   * exits of unknown pids are kept. Returns the end of it.
   */
  expectInit(): () => void {
    const start = { at: performance.now() };
    this.#starts.add(start);
    return () => {
      this.#starts.delete(start);
      const [oldest] = this.#starts;
      for (const [pid, { at }] of this.#unclaimed) {
        if (oldest !== undefined && at >= oldest.at) return;
        this.#unclaimed.delete(pid);
      }
    };
  }

  #keep(exit: ChildExit): void {
    this.#unclaimed.delete(exit.pid); // to the end: the oldest comes first
    this.#unclaimed.set(exit.pid, { exit, at: performance.now() });
  }

  /** Calls back once when the inherited child `pid` has ended and was reaped; also when that was so already. */
  watch(pid: number, onExit: (exit: ChildExit) => void): void {
    const early = this.#unclaimed.get(pid);
    this.#unclaimed.delete(pid);
    if (early !== undefined) onExit(early.exit);
    else this.#watched.set(pid, onExit);
  }

  /** Whether `pid` has ended and was reaped while a start was in progress. */
  hasEnded(pid: number): boolean {
    return this.#unclaimed.has(pid);
  }

  /**
   * Peeks at one ended child after the other (WNOWAIT). One that libuv owns hides those behind it until libuv has
   * reaped it, which it does in this turn of the loop or the next.
   */
  #reap(): void {
    for (;;) {
      const peeked = waitForExit(P.ALL, 0, true);
      if (peeked === undefined) return;
      if (this.#ours.has(peeked.pid)) {
        setImmediate(this.#onSignal);
        return;
      }
      const exit = waitForExit(P.PID, peeked.pid, false) ?? peeked;
      const watcher = this.#watched.get(exit.pid);
      this.#watched.delete(exit.pid);
      if (watcher !== undefined) watcher(exit);
      else if (this.#starts.size > 0) this.#keep(exit);
    }
  }
}

/** SIGKILLs the process group that `spawn` gave a child; no error when it is gone. */
export function killGroup(child: ChildProcess): void {
  if (runs(child)) killGroupOf(child.pid);
}

function runs(child: ChildProcess): child is ChildProcess & { readonly pid: number } {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** The same by the pid of a child that was not reaped yet. */
export function killGroupOf(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH
  }
}

export interface ChildEnd {
  /** As a shell has it: 128 + signal for a signalled one. */
  readonly exitCode: number;
  readonly timedOut: boolean;
}

/**
 * Waits for the exit, not for the stdio, of a child. After `timeoutMs` SIGKILLs it with what it has started, which leaves
 * the group of an OCI runtime before that tells of it. Rejects if it never started.
 */
export function childEnd(child: ChildProcess, timeoutMs: number): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      try {
        if (runs(child)) killTree(child.pid);
      } finally {
        killGroup(child);
      }
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ exitCode: exitCodeOf(code, signal), timedOut });
    });
  });
}

/** The exit code of a Node child as a shell has it. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]);
}
