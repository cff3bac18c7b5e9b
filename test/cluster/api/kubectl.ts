/** kubectl, as people use it. */

import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { PATIENCE } from '../../support/patience.js';

const LIMIT_MS = 120_000 * PATIENCE;

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Kubectl {
  readonly program: string;
  readonly #kubeconfig: string;

  constructor(program: string, kubeconfig: string) {
    this.program = program;
    this.#kubeconfig = kubeconfig;
  }

  /** What every command begins with. */
  get global(): readonly string[] {
    return ['--kubeconfig', this.#kubeconfig, '--cache-dir', `${this.#kubeconfig}.cache`];
  }

  /** Runs it to its end, which it has within two minutes; the exit code is the caller's to judge. */
  async run(args: readonly string[], input = ''): Promise<KubectlResult> {
    const child = spawn(this.program, [...this.global, ...args], {
      stdio: 'pipe',
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', (cause) => reject(new Error(`kubectl ${args.join(' ')}: ${cause.message}`, { cause })));
      child.on('close', resolve);
    });
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { code, stdout, stderr };
  }

  async succeeds(...args: string[]): Promise<boolean> {
    return (await this.run(args)).code === 0;
  }

  /** Its output without the last line feed. Throws with what it said when it fails. */
  async say(args: readonly string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}: ${stderr || stdout}`);
    return stdout.trimEnd();
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await this.say(['apply', '--filename', '-'], JSON.stringify(list));
  }

  /** undefined: there is no such object. */
  async get<T>(kind: string, name: string): Promise<T | undefined> {
    const said = await this.say(['get', kind, name, '--ignore-not-found', '--output', 'json']);
    return said === '' ? undefined : (JSON.parse(said) as T);
  }
}
