/** Runs a helper program of the tests with a time limit, and says what it printed when it fails. */
import { spawn } from 'node:child_process';
import { PATIENCE } from './patience.js';

export interface CommandOptions {
  /** Milliseconds; the program is killed after them. Default 60 000. */
  readonly timeout?: number;
  readonly input?: Buffer | string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `program`; resolves with its stdout, rejects when it exits other than 0 or takes too long. */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: (options.timeout ?? 60_000) * PATIENCE,
      killSignal: 'SIGKILL',
      cwd: options.cwd,
      env: options.env ?? process.env,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (cause) => reject(new Error(`cannot run ${program}: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out));
      const said = Buffer.concat(err).toString().slice(-2000);
      reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}: ${said}`));
    });
    // A program that does not read its input closes it early; its exit code tells whether that matters.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
