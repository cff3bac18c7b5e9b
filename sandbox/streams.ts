/**
 * The contract of sessions: what a client's exec, attach and port-forward connection is to a pod. The streaming server
 * in `cri/` speaks the wire protocols and hands these streams over; a sandbox connects them to processes and sockets.
 */

import type { Duplex, Readable, Writable } from 'node:stream';

/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The client's ends. What is undefined was not asked for. */
export interface SessionStreams {
  /** Its end is the client's half-close: the process reads EOF. A terminal knows none and stays open. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  /** Always undefined with a terminal, whose one output is stdout. */
  readonly stderr: Writable | undefined;
  /** Calls `listener` with the client's terminal size, now if it is known and at each change. */
  onResize(listener: (size: TerminalSize) => void): void;
}

export interface ExecSpec {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
}

/**
 * Back-pressure goes through in both directions; nothing is dropped. `signal` fires when the client is gone: an exec's
 * process is killed then, an attached container goes on. The streams of the caller are ended, not destroyed.
 */
export interface Sessions {
  /** Runs a command in a running container; resolves with its exit code once its output has been handed over. */
  exec(spec: ExecSpec, streams: SessionStreams, signal: AbortSignal): Promise<number>;
  /**
   * Joins a running container's stdio, from now on. Resolves when the container has ended, or the client's stdin has:
   * that detaches it, as containerd has it, unless the container has stdin_once and no terminal; then the container reads
   * EOF and its output goes on. Throws ABORTED when a client that takes no output for ten seconds was detached.
   */
  attach(containerId: string, streams: SessionStreams, signal: AbortSignal): Promise<void>;
  /** A connection to `port` on the loopback of the pod's network namespace (IPv4, else IPv6). */
  connect(podId: string, port: number, signal: AbortSignal): Promise<Duplex>;
}
