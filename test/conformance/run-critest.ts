/** Runs critest by ginkgo, several specs at a time (critest's own `-parallel` does the same), into a report file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PATIENCE } from '../support/patience.js';
import type { Options } from './options.js';

const SUITE_TIMEOUT = `${30 * PATIENCE}m`;

export interface CritestRun {
  readonly reportFile: string;
  /** Resolves when all specs ran; whether they passed is in the report. Rejects when ginkgo could not run them. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

export interface CritestInput {
  readonly options: Options;
  readonly tools: string;
  readonly endpoint: string;
  /** Gets `report.json` and `critest.log`. */
  readonly output: string;
  /** Of the order of the specs; undefined: another one each time. */
  readonly seed?: number;
}

export async function runCritest({ options, tools, endpoint, output, seed }: CritestInput): Promise<CritestRun> {
  const args = [`--nodes=${options.nodes}`, `--timeout=${SUITE_TIMEOUT}`, '--randomize-all', '--no-color', '-v'];
  args.push('--json-report=report.json', `--output-dir=${output}`, '--skip=benchmark');
  if (seed !== undefined) args.push(`--seed=${seed}`);
  for (const pattern of options.focus) args.push(`--focus=${pattern}`);
  for (const pattern of options.skip) args.push(`--skip=${pattern}`);
  args.push(join(tools, 'critest.test'), '--');
  args.push(`-runtime-endpoint=${endpoint}`, `-image-endpoint=${endpoint}`);
  if (options.websocket) args.push('-websocket-exec', '-websocket-attach', '-websocket-portforward');
  if (options.handler !== '') args.push(`-runtime-handler=${options.handler}`);
  const log = await open(join(output, 'critest.log'), 'w');
  // A group of its own: stopping ginkgo must stop its nodes too.
  const child = spawn(join(tools, 'ginkgo'), args, { stdio: ['ignore', log.fd, log.fd], detached: true, cwd: output });
  await log.close();
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    // 0: all passed, 1: some failed; a report is there in both cases.
    child.on('exit', (code, signal) =>
      code === 0 || code === 1 ? resolve() : reject(new Error(`ginkgo ended with ${signal ?? code}: see ${output}`)),
    );
  });
  done.catch(() => {});
  return { reportFile: join(output, 'report.json'), done, stop: () => stopGroup(child) };
}

async function stopGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}
