/**
 * The keeper's contract. cribd speaks it over `<state>/keeper.sock`, one JSON object per frame (frames.ts). The keeper
 * knows nothing of OCI runtimes: it is given argument vectors, and owns the processes, their stdio and their exits.
 */

import type { PassedPipes } from './passed-pipe.js';

/** Raised when a message changes its meaning; a keeper refuses a client of another major version. */
export const KEEPER_PROTOCOL_VERSION = 1;

/** Exit code of a keeper that finds another one's lock: the starter connects to that one. */
export const ALREADY_RUNNING = 75;

/** The program that a keeper is to become; see upgrade.ts. */
export interface KeeperProgram {
  /** Node's executable, its flags, and the keeper's main file; paths are absolute. */
  readonly program: string;
  readonly flags: readonly string[];
  readonly main: string;
}

/** How the stdio of a kept container is connected. */
export interface KeptStdio {
  readonly tty: boolean;
  /** The container's stdin is a FIFO whose writer the keeper holds; otherwise /dev/null. */
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  /** Owner of the FIFOs, so that a non-root process can reopen /dev/stdout. */
  readonly uid: number;
  readonly gid: number;
  /** CRI log file; empty: output is read and thrown away. */
  readonly logPath: string;
  /** Longest content of one log line in bytes before it is split into partial lines. */
  readonly maxLineBytes: number;
}

export interface KeptContainerSpec {
  readonly id: string;
  /** A directory that the keeper owns: FIFOs, console socket, record and exit record go there. */
  readonly directory: string;
  /**
   * Command that creates the container and ends, leaving init as an orphan for the keeper to adopt (`crun create …`).
   * `{pidFile}` and `{consoleSocket}` in an argument are replaced by paths in `directory`.
   */
  readonly createArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** File in which the runtime writes JSON log lines; its last error becomes the message of a failed create. */
  readonly runtimeLog: string;
  readonly stdio: KeptStdio;
  /** Milliseconds that creating may take. */
  readonly createTimeoutMs: number;
  /**
   * Directories with a `cgroup.procs` whose processes are killed once init has exited, so that nothing outlives the
   * container (cgroup v2: one; v1: the pids, else the freezer hierarchy).
   */
  readonly cgroupDirs: readonly string[];
  /** For a container whose init is not a process of this host's; the pid file then names the sandbox that it is in. */
  readonly watch?: KeptWatch;
}

/** Commands that see and end a container which another kernel runs. */
export interface KeptWatch {
  /** Ends when the container has, with `{"exitStatus": N}` on stdout; tells it again when run again (`runsc wait ID`). */
  readonly waitArgv: readonly string[];
  /** The same asked of the sandbox itself, which needs no process; what it does not answer, `waitArgv` is asked. */
  readonly waitCall?: KeptWaitCall;
  /** Signals init; `{signal}` in an argument is replaced by the number. */
  readonly signalArgv: readonly string[];
  /** SIGKILLs everything in the container. */
  readonly killArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface KeptWaitCall {
  /** Path of a unix stream socket. */
  readonly socket: string;
  /**
   * Written to it, as it is. Answered with `{"success":true,"result":STATUS}` once the container has ended; STATUS is as of
   * wait(2). Asked again, it is answered again.
   */
  readonly request: string;
}

/** What the keeper knows of a container; the same object is its durable record. */
export interface KeptContainer {
  readonly id: string;
  readonly directory: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot: tells a reused pid. Empty: init has ended. */
  readonly startTime: string;
  /** Nanoseconds since the epoch, as decimal text, at which it was taken over from the runtime; never after its exit. */
  readonly startedAt: string;
  readonly logPath: string;
  readonly exit: KeptExit | undefined;
}

export interface KeptExit {
  /** 0 to 255; 128 + signal for a signalled process; undefined when nothing can know. */
  readonly exitCode: number | undefined;
  readonly signal: number;
  /** Nanoseconds since the epoch, as decimal text. */
  readonly finishedAt: string;
}

export interface KeptExecSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Written by the runtime before it waits: the pid of the process in the container, to be killed on timeout. */
  readonly pidFile: string;
  /** Milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  /** Bytes kept of stdout and of stderr each; the rest is read and dropped. */
  readonly maxOutputBytes: number;
  /** For a command in another kernel's hands: `pidFile` then names what waits for it. */
  readonly innerKill?: KeptInnerKill;
}

/** Kills a command that is not a process of this host's (`runsc kill --pid {pid}`). */
export interface KeptInnerKill {
  /** `{pid}` in an argument is replaced by what `pidFile` holds. */
  readonly argv: readonly string[];
  readonly pidFile: string;
  /** By which its descendants are killed too. */
  readonly tree?: KeptInnerTree;
  readonly env: Readonly<Record<string, string>>;
}

export interface KeptInnerTree {
  /** Prints a table of the processes there: user, process and parent are the first numbers of a line (`runsc ps`). */
  readonly listArgv: readonly string[];
  /** Stops `{pid}`. */
  readonly stopArgv: readonly string[];
}

/** A command with a client at its other end. */
export interface KeptSessionSpec {
  /** Command that starts the one in the container and ends, leaving it as an orphan (`crun exec --detach …`). */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where `argv` writes the pid; there is no such file before. */
  readonly pidFile: string;
  /** As in KeptContainerSpec. */
  readonly runtimeLog: string;
  /** Its stdio; /dev/null where there is none. */
  readonly pipes: PassedPipes;
  /** Milliseconds that starting may take; running has no limit. */
  readonly startTimeoutMs: number;
  /** As in KeptExecSpec. */
  readonly innerKill?: KeptInnerKill;
}

/** A process for good: a pid that is used again has another start time. */
export interface KeptProcess {
  readonly pid: number;
  /** As in KeptContainer; empty when it has ended already. */
  readonly startTime: string;
}

export interface KeptExecResult {
  readonly exitCode: number;
  /** base64 on the wire, Buffers for the caller. */
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly timedOut: boolean;
}

/** What cribd calls. Every method rejects with a CribError; UNAVAILABLE when the keeper is gone. */
export interface Keeper {
  /** Connects, starting a keeper process when none answers. */
  connect(): Promise<void>;
  /** Leaves the keeper running. */
  disconnect(): void;
  /** Runs `createArgv`; resolves when the runtime has ended well and init is adopted. Undoes everything on failure. */
  create(spec: KeptContainerSpec): Promise<KeptContainer>;
  /** Runs a short command to its end (`crun start`); its stderr tail is in the error. Milliseconds. */
  run(argv: readonly string[], env: Readonly<Record<string, string>>, timeoutMs: number): Promise<void>;
  exec(spec: KeptExecSpec, signal?: AbortSignal): Promise<KeptExecResult>;
  /**
   * Runs a command on pipes of the caller's, which may be closed there once `onStarted` is called or this rejects.
   * Resolves to its exit code as a shell has it; what it wrote is in the pipes then. When `signal` fires it is killed
   * with all its descendants, then this rejects with CANCELLED; it is also killed when this client is gone. UNKNOWN, with
   * the runtime's reason, when it cannot be started.
   */
  session(spec: KeptSessionSpec, onStarted: (process: KeptProcess) => void, signal: AbortSignal): Promise<number>;
  /**
   * Copies the container's output to `pipes` and their stdin to the container, until the container has ended, the
   * client's stdin has (unless stdinOnce), or `signal` fires. The keeper closes its ends then. ABORTED when a client
   * that takes nothing was detached.
   */
  attach(id: string, pipes: PassedPipes, onStarted: () => void, signal: AbortSignal): Promise<void>;
  /** Sets the window size of the container's terminal. */
  resize(id: string, columns: number, rows: number): Promise<void>;
  /** Signals init, through its pidfd or `watch`. No error when it has exited. */
  signal(id: string, signal: number): Promise<void>;
  /** SIGKILLs everything in the container. */
  killAll(id: string): Promise<void>;
  /** Closes and opens the log file again (ReopenContainerLog). */
  reopenLog(id: string): Promise<void>;
  /** Closes stdio, drops the record and removes `directory`. Idempotent; refuses while init runs. */
  forget(id: string): Promise<void>;
  list(): Promise<KeptContainer[]>;
  /**
   * Resolves once the creates that somebody else asked for before have ended, well or not, and are in the list or undone.
   * Throws DEADLINE_EXCEEDED after `timeoutMs`.
   */
  settled(timeoutMs: number): Promise<void>;
  /** Called after the exit record is durable and the output drained; once per container and connection. */
  onExit(listener: (container: KeptContainer) => void): void;
  /** Process id of the keeper, for `crib doctor` and the cgroup accounting. */
  readonly pid: number;
}
