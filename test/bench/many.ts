/** Many running pods: how fast they come and go, memory beyond the workload, calls, and how long a daemon takes to start. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from './contestant.js';
import { inParallel } from './parallel.js';
import { measureCalls } from './poll-calls.js';
import { cpuMs, type Memory, memoryOf } from './processes.js';
import { type Results, timed } from './results.js';
import type { Running, Workload } from './workload.js';

/** After this long idle a daemon has collected its garbage, if it does so by itself. */
const SETTLE_MS = 5_000;
const STARTS = 3;
const WIDTH = 4;
const IDLE_SECONDS = 5;

interface Usage {
  readonly daemon: Memory;
  readonly supervisors: Memory;
  readonly all: Memory;
}

/** Before anything else was asked of them. */
export async function measureStarted(contestants: readonly Contestant[], results: Results): Promise<void> {
  for (const on of contestants) addUsage(results, 'just started', on, await usage(on));
}

/** On one runtime after the other: each needs the machine's memory and processors for itself here. */
export async function measureMany(
  contestants: readonly Contestant[],
  workload: Workload,
  counts: readonly number[],
  results: Results,
): Promise<void> {
  for (const on of contestants) await starts(on, 'with no pods', results);
  for (const on of contestants) {
    const idle = await usage(on);
    addUsage(results, 'no pods', on, idle);
    for (const count of counts) {
      const running = await up(on, workload, count, results);
      const now = await usage(on);
      addUsage(results, `${count} running pods`, on, now);
      const each = (now.all.pss - idle.all.pss) / running.length;
      results.add('Memory', `for each of ${count} pods beyond the workload, PSS`, 'MB', on.side, each);
      await measureCalls(on, running, count, results);
      await idleCpu(on, count, results);
      if (count === counts.at(-1)) await starts(on, `with ${count} running pods`, results);
      await down(on, workload, running, count, results);
    }
  }
}

/** As many of them as the runtime holds: with the first that it refuses no more are asked for, and a note says so. */
async function up(on: Contestant, workload: Workload, count: number, results: Results): Promise<Running[]> {
  const running: Running[] = [];
  let refusal: unknown;
  const { ms } = await timed(() =>
    inParallel(WIDTH, Array.from({ length: count }), async () => {
      if (refusal !== undefined) return;
      try {
        running.push(await workload.run(on, 'idle'));
      } catch (error) {
        refusal ??= error;
      }
    }),
  );
  if (running.length === 0) throw refusal;
  if (refusal !== undefined) {
    results.note(`${on.side} held ${running.length} of ${count} pods here: ${String(refusal).slice(0, 200)}`);
  }
  const name = `up to ${count}, ${WIDTH} at a time, one container each`;
  results.add('Many pods', name, 'pods/s', on.side, (running.length * 1000) / ms);
  return running;
}

async function down(
  on: Contestant,
  workload: Workload,
  running: readonly Running[],
  count: number,
  results: Results,
): Promise<void> {
  const { ms } = await timed(() => inParallel(WIDTH, running, (one) => workload.remove(on, one)));
  results.add('Many pods', `down from ${count}, ${WIDTH} at a time`, 'pods/s', on.side, (running.length * 1000) / ms);
  await on.removePods(); // of one that was refused half way
}

async function usage(on: Contestant): Promise<Usage> {
  await sleep(SETTLE_MS);
  const { daemon, supervisors, inits } = await on.pids();
  const [one, two, three] = [await memoryOf([daemon]), await memoryOf(supervisors), await memoryOf(inits)];
  const all = { rss: one.rss + two.rss + three.rss, pss: one.pss + two.pss + three.pss };
  return { daemon: one, supervisors: two, all };
}

function addUsage(results: Results, when: string, on: Contestant, { daemon, supervisors, all }: Usage): void {
  const add = (name: string, value: number) => results.add('Memory', `${when}: ${name}`, 'MB', on.side, value);
  add('daemon, RSS', daemon.rss);
  add('daemon, PSS', daemon.pss);
  add('keeper or shims, RSS', supervisors.rss);
  add('keeper or shims, PSS', supervisors.pss);
  add('all of it with pause processes, PSS', all.pss);
}

/** What a node pays for pods that do nothing, when nobody asks. */
async function idleCpu(on: Contestant, count: number, results: Results): Promise<void> {
  const { daemon, supervisors } = await on.pids();
  const before = await cpuMs([daemon, ...supervisors]);
  await sleep(IDLE_SECONDS * 1000);
  const spent = (await cpuMs([daemon, ...supervisors])) - before;
  results.add('CPU time each second with nothing to do', `${count} running pods`, 'ms', on.side, spent / IDLE_SECONDS);
}

async function starts(on: Contestant, when: string, results: Results): Promise<void> {
  for (let i = 0; i < STARTS; i++) {
    await on.end();
    results.add('Start of the daemon until Status says ready', when, 'ms', on.side, await on.start());
  }
}
