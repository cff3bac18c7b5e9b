/** One short-lived process: bounded in time and output, its whole process group killed when it is too much. */

import { spawn } from 'node:child_process';
import { stdioClosed, withStdio } from '../../runtime/child-stdio.js';
import { CribError } from '../../runtime/errors.js';

const MAX_STDOUT = 1024 * 1024;
const STDERR_TAIL = 4096;
/** After the process has ended, something that has left its group may still hold its pipes. */
const DRAIN_MS = 500;

export interface RunOptions {
  readonly input: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface RunResult {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  /** The last 4 KiB. */
  readonly stderr: string;
}

/**
 * Runs `file` to its end. Throws NOT_FOUND when it cannot be started, EMFILE, DEADLINE_EXCEEDED, CANCELLED, and
 * RESOURCE_EXHAUSTED when it writes more than 1 MiB; its own failure is in the result.
 */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  if (options.signal.aborted) return Promise.reject(new CribError('CANCELLED', `${file}: the caller gave up`));
  return new Promise((resolve, reject) => {
    // A group of its own: plugins start plugins (IPAM), which must not outlive them.
    const child = withStdio(spawn(file, args, { env: options.env, cwd: '/', stdio: 'pipe', detached: true }));
    let failure: CribError | undefined;
    const stop = (error: CribError) => {
      failure ??= error;
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      stop(new CribError('DEADLINE_EXCEEDED', `${file}: not done after ${options.timeoutMs} ms, killed`));
    }, options.timeoutMs);
    const aborted = () => stop(new CribError('CANCELLED', `${file}: the caller gave up, killed`));
    options.signal.addEventListener('abort', aborted, { once: true });

    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes > MAX_STDOUT)
        stop(new CribError('RESOURCE_EXHAUSTED', `${file}: wrote over ${MAX_STDOUT} bytes`));
      else stdout.push(chunk);
    });
    let stderr = Buffer.alloc(0);
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_TAIL);
    });
    child.stdin.on('error', () => undefined); // It may end without reading; its exit code tells.
    child.stdin.end(options.input);

    const settle = () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', aborted);
    };
    child.on('error', (cause) => {
      settle();
      reject(new CribError('NOT_FOUND', `${file}: cannot be started: ${cause.message}`, { cause }));
    });
    child.on('exit', (code) => {
      const result = () => ({ stdout: Buffer.concat(stdout).toString(), stderr: stderr.toString().trim() });
      settle();
      void stdioClosed(child, DRAIN_MS).then(() => {
        if (failure !== undefined) reject(failure);
        else resolve({ exitCode: code ?? -1, ...result() });
      });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already; `exit` follows.
  }
}
