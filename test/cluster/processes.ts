/** The programs of the node under test: started with their output in a file, ended, killed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

const STOP_TIMEOUT_MS = 20_000;

export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
  }

  /** Output is added to `logFile`. */
  static async start(program: string, args: readonly string[], logFile: string): Promise<Program> {
    const log = await open(logFile, 'a');
    const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd] });
    await Promise.all([once(child, 'spawn'), log.close()]);
    return new Program(program, child);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Throws when it has ended by itself. */
  check(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) {
      throw new Error(`${this.#name} ended by itself with ${signalCode ?? exitCode}`);
    }
  }

  /** Asks it to end; after 20 seconds it is killed. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#end('SIGTERM');
    clearTimeout(timer);
  }

  /** SIGKILL, and the end of it. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
