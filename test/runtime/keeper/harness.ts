/**
 * A keeper of one test's own, and containers for it that are plain processes: a shell that starts a session of its own
 * in the background, writes its pid and ends, as an OCI runtime's create does.
 */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import type { KeptContainer, KeptContainerSpec, KeptStdio } from '../../../runtime/keeper/protocol.js';

export const KEEPER_PATH = fileURLToPath(new URL('../../../runtime/keeper/main.js', import.meta.url));

const quiet = () => undefined;
export const QUIET_LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface SpecOptions {
  /** What init runs (sh -c). */
  readonly script?: string;
  readonly createArgv?: readonly string[];
  readonly stdio?: Partial<KeptStdio>;
  readonly runtimeLog?: string;
  readonly createTimeoutMs?: number;
  readonly cgroupDirs?: readonly string[];
}

export interface Harness {
  readonly state: string;
  readonly client: KeeperClient;
  spec(id: string, options: SpecOptions): KeptContainerSpec;
  /** Waits for the exit of a container to be told or listed. */
  exitOf(id: string, client?: KeeperClient): Promise<KeptContainer>;
  /** The log's lines as [stream, tag, content]. */
  logOf(id: string): [string, string, string][];
}

/**
 * `sh` becomes an orphan in a session of its own, whose pid is in the pid file before the starter ends. The subshell
 * in between makes the keeper its parent at once: a starter would reap an init that ends early.
 */
export function daemon(script: string): string[] {
  const start = `exec 3<&0; (setsid sh -c 'echo $$ >"$1"; exec 3<&-; exec sh -c "$2"' sh "$1.tmp" "$2" <&3 &); exec 3<&-; `;
  const wait = `while ! [ -s "$1.tmp" ]; do sleep 0.002; done; mv "$1.tmp" "$1"`;
  return ['sh', '-c', start + wait, 'sh', '{pidFile}', script];
}

export async function withKeeper(test: (harness: Harness) => Promise<void>, prefix?: string): Promise<void> {
  const root = fs.mkdtempSync(prefix ?? path.join(os.tmpdir(), 'crib-keeper-'));
  const state = path.join(root, 'state');
  const client = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
  try {
    await client.connect();
    await test(harnessOf(root, state, client));
  } finally {
    await tearDown(client);
    fs.rmSync(root, { recursive: true, force: true });
  }
}

function harnessOf(root: string, state: string, client: KeeperClient): Harness {
  const logPath = (id: string) => path.join(root, 'logs', `${id}.log`);
  return {
    state,
    client,
    spec: (id, options) => ({
      id,
      directory: path.join(root, 'containers', id),
      createArgv: options.createArgv ?? daemon(options.script ?? 'true'),
      env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
      runtimeLog: options.runtimeLog ?? '',
      createTimeoutMs: options.createTimeoutMs ?? 10_000,
      cgroupDirs: options.cgroupDirs ?? [],
      stdio: {
        tty: false,
        stdin: false,
        stdinOnce: false,
        uid: 0,
        gid: 0,
        logPath: logPath(id),
        maxLineBytes: 16384,
        ...options.stdio,
      },
    }),
    exitOf: (id, other = client) => exitOf(other, id),
    logOf: (id) => linesOf(fs.readFileSync(logPath(id), 'latin1')),
  };
}

async function exitOf(client: KeeperClient, id: string): Promise<KeptContainer> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await sleep(10)) {
    const found = (await client.list()).find((container) => container.id === id);
    if (found?.exit !== undefined) return found;
  }
  return assert.fail(`container ${id} has not exited`);
}

/** Parses a CRI log whose every line must be whole. */
export function linesOf(text: string): [string, string, string][] {
  if (text === '') return [];
  assert.equal(text.at(-1), '\n', 'the log ends with a whole line');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([FP]) (.*)$/s.exec(line);
      assert.ok(match, `a CRI log line: ${JSON.stringify(line.slice(0, 200))}`);
      return [match[1] ?? '', match[2] ?? '', match[3] ?? ''];
    });
}

/** Kills and forgets all that is kept, then ends the keeper. */
async function tearDown(client: KeeperClient): Promise<void> {
  for (const container of await client.list()) {
    await client.killAll(container.id);
    await exitOf(client, container.id);
    await client.forget(container.id);
  }
  await client.shutdown();
}
