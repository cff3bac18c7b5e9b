/** The client of an exec or attach session: local streams to those of the container, and how it ended. */

import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CribError } from '../../../runtime/errors.js';
import type { TerminalSize } from '../../../sandbox/streams.js';
import type { SpdyConnection } from '../../streaming/spdy/connection.js';
import type { SpdyStream } from '../../streaming/spdy/stream.js';

/** Tells the outcome as JSON, and knows resize. */
export const COMMAND_PROTOCOL = 'v4.channel.k8s.io';

export interface LocalStreams {
  /** undefined: the command reads EOF at once. */
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly tty: boolean;
  /** With a terminal: calls with its size now, if there is one, and at each change. Returns how to stop that. */
  onResize(listener: (size: TerminalSize) => void): () => void;
}

/**
 * Runs until the command has ended and its output is written, or `left` fires: then the session is dropped. Returns the
 * exit code, undefined after `left`. Throws UNAVAILABLE when the connection was lost, UNKNOWN with the server's words when the
 * command could not be run.
 */
export async function runCommandClient(
  connection: SpdyConnection,
  local: LocalStreams,
  left: AbortSignal,
): Promise<number | undefined> {
  const leave = () => connection.destroy();
  left.addEventListener('abort', leave, { once: true });
  let stopResize = () => {};
  try {
    const [error, stdout, stdin, stderr, resize] = await openStreams(connection, local);
    stopResize = resize === undefined ? stopResize : local.onResize((size) => sendSize(resize, size));
    if (stdin !== undefined) sendInput(local.stdin, stdin);
    const outputs = Promise.all([copied(stdout, local.stdout), copied(stderr, local.stderr)]);
    const outcome = error === undefined ? '' : await text(error);
    await outputs;
    return left.aborted ? undefined : exitCodeOf(outcome);
  } catch (error) {
    if (left.aborted) return undefined;
    throw error;
  } finally {
    stopResize();
    left.removeEventListener('abort', leave);
    local.stdin?.unpipe();
    local.stdin?.pause();
    connection.destroy();
  }
}

/** In the order of Kubernetes' clients: a server may start when it has seen the last one. */
function openStreams(connection: SpdyConnection, { stdin, tty }: LocalStreams): Promise<(SpdyStream | undefined)[]> {
  const open = (type: string, wanted: boolean) =>
    wanted ? connection.open(new Map([['streamtype', type]])) : Promise.resolve(undefined);
  return Promise.all([
    open('error', true),
    open('stdout', true),
    open('stdin', stdin !== undefined),
    open('stderr', !tty),
    open('resize', tty),
  ]);
}

function sendSize(resize: SpdyStream, { width, height }: TerminalSize): void {
  if (resize.writable) resize.write(`${JSON.stringify({ Width: width, Height: height })}\n`);
}

/** An input that breaks has ended: the command reads EOF. */
function sendInput(source: Readable | undefined, stdin: SpdyStream): void {
  source?.once('error', () => stdin.end());
  source?.pipe(stdin);
  // A command that reads no more: nobody has to take the rest.
  stdin.once('reset', () => source?.unpipe(stdin));
  stdin.resume();
}

/** The local stream stays open: it is the terminal, or the next command's. */
async function copied(stream: SpdyStream | undefined, into: Writable): Promise<void> {
  if (stream === undefined) return;
  stream.pipe(into, { end: false });
  await new Promise<void>((resolve) => stream.once('end', () => resolve()));
}

/** Reads a metav1.Status as status.ts writes it. */
function exitCodeOf(outcome: string): number {
  if (outcome === '')
    throw new CribError('UNAVAILABLE', 'the connection to the daemon was lost: how it ended is not known');
  const status = parsed(outcome);
  if (fieldOf(status, 'status') === 'Success') return 0;
  const causes: unknown = fieldOf(fieldOf(status, 'details'), 'causes');
  const [cause]: unknown[] = Array.isArray(causes) ? causes : [];
  const message: unknown = fieldOf(cause, 'message') ?? fieldOf(status, 'message');
  const code = fieldOf(status, 'reason') === 'NonZeroExitCode' ? Number(message) : 0;
  if (Number.isInteger(code) && code > 0 && code < 256) return code;
  throw new CribError('UNKNOWN', typeof message === 'string' ? message : outcome);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
