/** Runs an OCI runtime's short commands: bounded output, a deadline, and the runtime's own reason when it fails. */

import { spawn } from 'node:child_process';
import path from 'node:path';
import { stdioClosed, withStdio } from '../child-stdio.js';
import { CribError, type ErrorCode, messageOf } from '../errors.js';
import { RUNTIME_ENVIRONMENT, type RuntimeEnvironment, withCopiesIn } from './environment.js';
import { lastRuntimeError, logSize, readLogFrom } from './runtime-log.js';

const MAX_OUTPUT = 1 << 20;
/** After the process has ended, something it started may still hold its pipes. */
const DRAIN_MS = 250;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
}

/**
 * Runs `argv` to its end, its copies (environment.ts) beside its `--log`, and returns its stdout (1 MiB at most). `input` is its stdin. Throws DEADLINE_EXCEEDED when it
 * was killed after `timeoutMs`; CANCELLED when it was because `signal` fired; NOT_FOUND when the runtime knows no such container; INTERNAL otherwise, with the last
 * error that it wrote to its `--log` during this run, else the end of its stderr.
 */
export async function runRuntime(
  argv: readonly string[],
  timeoutMs: number,
  input: string | Buffer = '',
  signal?: AbortSignal,
): Promise<string> {
  const log = argv.includes('--log') ? argv[argv.indexOf('--log') + 1] : undefined;
  const offset = log === undefined ? 0 : await logSize(log);
  const env = log === undefined ? RUNTIME_ENVIRONMENT : withCopiesIn(path.dirname(log));
  const ended = await execute(argv, env, timeoutMs, input, signal);
  if (ended.timedOut) {
    throw new CribError('DEADLINE_EXCEEDED', `${describe(argv)} was killed after ${timeoutMs} ms without an end`);
  }
  if (ended.code === 0) return ended.stdout;
  if (ended.cancelled) throw cancellation(argv);
  const logged = log === undefined ? undefined : lastRuntimeError(await readLogFrom(log, offset));
  const said = logged ?? (ended.stderr.trim().slice(-2048) || undefined);
  const how = ended.signal === null ? `exit code ${ended.code}` : `it was killed by ${ended.signal}`;
  throw new CribError(codeOfReason(said), `${describe(argv)}: ${said ?? how}`);
}

function cancellation(argv: readonly string[]): CribError {
  return new CribError('CANCELLED', `${describe(argv)} was cancelled`);
}

function describe(argv: readonly string[]): string {
  return [path.basename(argv[0] ?? 'runtime'), commandOf(argv), argv.at(-1)].join(' ');
}

/** The sub-command: the first word after the global options, which all take a value, within the word or after it, but one. */
function commandOf(argv: readonly string[]): string {
  let index = 1;
  for (let word = argv[index]; word?.startsWith('--'); word = argv[index]) {
    index += word === '--systemd-cgroup' || word.includes('=') ? 1 : 2;
  }
  return argv[index] ?? '';
}

/** runc: "container does not exist"; crun: "error opening file `…/status`: No such file or directory"; runsc the third. */
function codeOfReason(reason: string | undefined): ErrorCode {
  if (reason === undefined) return 'INTERNAL';
  const unknown =
    /^container (with id .* )?does not exist$|error opening file .*\/status.*No such file|^loading (container|sandbox): file does not exist$/i;
  return unknown.test(reason) ? 'NOT_FOUND' : 'INTERNAL';
}

function execute(
  argv: readonly string[],
  env: RuntimeEnvironment,
  timeoutMs: number,
  input: string | Buffer,
  signal: AbortSignal | undefined,
): Promise<Ended> {
  const [command = '', ...args] = argv;
  if (signal?.aborted === true) return Promise.reject(cancellation(argv));
  return new Promise((resolve, reject) => {
    const options = { stdio: 'pipe' as const, env, cwd: '/' };
    const child = withStdio(spawn(command, args, options));
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    let [timedOut, cancelled] = [false, false];
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const abort = () => {
      cancelled = true;
      child.kill('SIGKILL');
    };
    const settled = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort);
    child.on('error', (cause) => {
      settled();
      reject(new CribError('UNAVAILABLE', `starting ${command}: ${messageOf(cause)}`, { cause }));
    });
    child.on('exit', (code, killedBy) => {
      settled();
      const ended = () => ({ code, signal: killedBy, stdout: stdout(), stderr: stderr(), timedOut, cancelled });
      stdioClosed(child, DRAIN_MS).then(() => resolve(ended()), reject);
    });
    child.stdin.on('error', () => {}); // EPIPE: it ended without reading; its exit says why
    child.stdin.end(input);
  });
}

/** Keeps the first MAX_OUTPUT bytes and reads on, so that the writer is never blocked. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, MAX_OUTPUT - length);
    length += kept.length;
    if (kept.length > 0) chunks.push(kept);
  });
  stream.on('error', () => {});
  return () => Buffer.concat(chunks).toString('utf8');
}
