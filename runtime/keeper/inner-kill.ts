/**
 * Killing a command whose processes another kernel has, with its descendants: the one that waits for it here ends with
 * it. What has left the command's tree (a daemon whose parent has ended) is not found, as on the host.
 */

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { atOnce } from '../all-done.js';
import { stdioClosed } from '../child-stdio.js';
import { type Children, childEnd } from './children.js';
import type { KeptInnerKill, KeptInnerTree } from './protocol.js';

/** Runs a command to its end and resolves to what it printed, whatever its exit code: one that has ended takes no signal. */
export type RunInner = (argv: readonly string[]) => Promise<string>;

const TIMEOUT_MS = 30_000;
/** A sandbox that does not start a command in this time may never do. */
const TELL_MS = 3_000;
const POLL_MS = 20;
/** What a command has left behind may hold its pipe. */
const DRAIN_MS = 250;
/** A list of some thousand processes; of a longer one the rest is left out. */
const MAX_LIST_BYTES = 1 << 20;
/** Stopped ones make no more, so this ends; should it not, what is known is killed. */
const MAX_ROUNDS = 5;
/** Commands that run at one time: each is a Go process. */
const AT_ONCE = 4;

/**
 * Nothing where the command tells no pid, or has ended. While `isStarting`, its pid is waited for: a runtime that is killed
 * before would leave it behind.
 */
export async function killInner(kill: KeptInnerKill, children: Children, isStarting = () => false): Promise<void> {
  let pid = await toldPid(kill.pidFile);
  for (const deadline = performance.now() + TELL_MS; pid === undefined; pid = await toldPid(kill.pidFile)) {
    if (!isStarting() || performance.now() > deadline) return;
    await sleep(POLL_MS);
  }
  await killInnerTree(pid, kill, (argv) => output(argv, kill.env, children));
}

/** The pid that a command has told; undefined while there is none. */
export async function toldPid(file: string): Promise<number | undefined> {
  const text = (await readFile(file, 'latin1').catch(() => '')).trim();
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

/** SIGKILLs the command `pid` with its descendants, by what `run` runs. */
export async function killInnerTree(
  pid: number,
  { argv, tree }: Pick<KeptInnerKill, 'argv' | 'tree'>,
  run: RunInner,
): Promise<void> {
  await each(argv, tree === undefined ? [pid] : await stopped(pid, tree, run), run);
}

/** All of the tree, from the top: stopped, a process makes no more of them meanwhile. */
async function stopped(top: number, { listArgv, stopArgv }: KeptInnerTree, run: RunInner): Promise<number[]> {
  const tree = [top];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = descendantsOf(tree, processesIn(await run(listArgv)));
    if (found.length === 0) break;
    await each(stopArgv, round === 0 ? [top, ...found] : found, run);
    tree.push(...found);
  }
  return tree;
}

async function each(argv: readonly string[], pids: readonly number[], run: RunInner): Promise<void> {
  await atOnce(pids, AT_ONCE, async (pid) => {
    await run(argv.map((word) => word.replaceAll('{pid}', String(pid))));
  });
}

async function output(argv: readonly string[], env: KeptInnerKill['env'], children: Children): Promise<string> {
  const child = children.spawn(argv, env, ['ignore', 'pipe', 'ignore']);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (data: string) => {
    if (text.length < MAX_LIST_BYTES) text += data;
  });
  const closed = new Promise<void>((resolve) => child.once('exit', () => resolve(stdioClosed(child, DRAIN_MS))));
  await childEnd(child, TIMEOUT_MS);
  await closed;
  return text;
}

interface Listed {
  readonly pid: number;
  readonly parent: number;
}

/** The lines that begin with a user, a process and its parent, all of them numbers. */
export function processesIn(table: string): Listed[] {
  return [...table.matchAll(/^\s*\d+\s+(\d+)\s+(\d+)\s/gm)].map(([, pid, parent]) => ({
    pid: Number(pid),
    parent: Number(parent),
  }));
}

/** Those that are not in `tree` and have an ancestor in it. */
export function descendantsOf(tree: readonly number[], processes: readonly Listed[]): number[] {
  const known = new Set(tree);
  const found: number[] = [];
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    for (const { pid, parent } of processes) {
      if (known.has(pid) || !known.has(parent)) continue;
      known.add(pid);
      found.push(pid);
    }
  }
  return found;
}
