/** The `crib` command as a user runs it: with pipes, or in a terminal that util-linux's `script` makes. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { containerRequest, podRequest, type ServedNode } from './server.js';

const MAIN = path.resolve(import.meta.dirname, '../../bundle/cribd.js');
const LIMIT_MS = 20_000;

/** A command that runs: what it has said so far, and what it is told. */
export class CribCommand {
  readonly child: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  stdout = '';
  stderr = '';

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: 'pipe', timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    this.child.stdout?.on('data', (bytes: Buffer) => {
      this.stdout += bytes.toString('latin1');
    });
    this.child.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString('latin1');
    });
    this.child.stdin?.on('error', () => {});
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal ?? '')));
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits until stdout matches; returns the match. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = performance.now() + LIMIT_MS; ; ) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      if (performance.now() > deadline) {
        throw new Error(`${pattern} was not shown: ${JSON.stringify([this.stdout, this.stderr])}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

export interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export function cribArgs(served: ServedNode, ...words: string[]): string[] {
  return [MAIN, '--connect', `unix://${path.join(served.node.directory, 'crib.sock')}`, ...words];
}

export function startCrib(served: ServedNode, ...words: string[]): CribCommand {
  return new CribCommand(process.execPath, cribArgs(served, ...words));
}

/** Runs it to its end, with `input` on stdin. */
export async function crib(served: ServedNode, words: readonly string[], input = ''): Promise<Ran> {
  const command = startCrib(served, ...words);
  command.child.stdin?.end(input);
  const code = await command.ended;
  return { code, stdout: command.stdout, stderr: command.stderr };
}

/** In a terminal of 77 columns and 33 rows. When it has ended: `code N`, and whether the terminal's modes are the `same`. */
export function startInTerminal(served: ServedNode, ...words: string[]): CribCommand {
  const quoted = [process.execPath, ...cribArgs(served, ...words)].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return inTerminal(quoted.join(' '));
}

/** As startInTerminal, of any command line. */
export function inTerminal(line: string): CribCommand {
  const after = 'echo "code $?"; [ "$modes" = "$(stty -g)" ] && echo same || echo different';
  return new CribCommand('script', ['-qec', `stty rows 33 cols 77; modes=$(stty -g); ${line}; ${after}`, '/dev/null']);
}

/** The only child of a process. */
export async function childOf(pid: number | undefined): Promise<number> {
  return Number(await fs.readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** A pod named `pod` with containers that run; each value is a script, and what its request has beside it. */
export async function startPod(
  served: ServedNode,
  containers: Readonly<Record<string, readonly [script: string, config: { stdin?: boolean; tty?: boolean }]>>,
): Promise<string> {
  const { runtime } = served.client;
  const { podSandboxId } = await runtime.runPodSandbox(podRequest('pod'));
  for (const [name, [script, config]] of Object.entries(containers)) {
    const request = containerRequest(podSandboxId, name, served.node.image, script);
    const { containerId } = await runtime.createContainer({ ...request, config: { ...request.config, ...config } });
    await runtime.startContainer({ containerId });
  }
  return podSandboxId;
}
