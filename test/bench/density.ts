/** Many running pods: memory beyond the workload, lists and states, and how long a daemon takes to start. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from './contestant.js';
import { inParallel } from './parallel.js';
import { cpuMs, type Memory, memoryOf } from './processes.js';
import { type Results, timed } from './results.js';
import type { Running, Workload } from './workload.js';

/** After this long idle a daemon has collected its garbage, if it does so by itself. */
const SETTLE_MS = 5_000;
const CALLS = 10;
const STARTS = 3;
const WIDTH = 4;

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
export async function measureDensity(
  contestants: readonly Contestant[],
  workload: Workload,
  counts: readonly number[],
  results: Results,
): Promise<void> {
  for (const on of contestants) await starts(on, 'with no pods', results);
  for (const on of contestants) {
    const idle = await usage(on);
    addUsage(results, 'no pods', on, idle);
    const running: Running[] = [];
    for (const count of counts) {
      const more = Array.from({ length: count - running.length });
      const { ms, value } = await timed(() => inParallel(WIDTH, more, () => workload.run(on, 'idle')));
      running.push(...value);
      const speed = (more.length * 1000) / ms;
      results.add('Many pods', `up to ${count}, ${WIDTH} at a time, one container each`, 'pods/s', on.side, speed);
      const now = await usage(on);
      addUsage(results, `${count} running pods`, on, now);
      const each = (now.all.pss - idle.all.pss) / count;
      results.add('Memory', `for each of ${count} pods beyond the workload, PSS`, 'MB', on.side, each);
      await lists(on, running, count, results);
      await idleCpu(on, count, results);
    }
    await starts(on, `with ${running.length} running pods`, results);
    const { ms } = await timed(() => inParallel(WIDTH, running, (one) => workload.remove(on, one)));
    const name = `down from ${running.length}, ${WIDTH} at a time`;
    results.add('Many pods', name, 'pods/s', on.side, (running.length * 1000) / ms);
  }
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

/** What a kubelet calls again and again. */
async function lists(on: Contestant, running: readonly Running[], count: number, results: Results): Promise<void> {
  const { cri } = on;
  const group = `Calls with ${count} running containers`;
  const podSandboxId = running[0]?.pod ?? '';
  const containerId = running[0]?.container ?? '';
  const calls: Record<string, () => Promise<unknown>> = {
    Version: () => cri.runtime.version({}),
    Status: () => cri.runtime.status({}),
    ListPodSandbox: () => cri.runtime.listPodSandbox({}),
    ListContainers: () => cri.runtime.listContainers({}),
    PodSandboxStatus: () => cri.runtime.podSandboxStatus({ podSandboxId }),
    ContainerStatus: () => cri.runtime.containerStatus({ containerId }),
    ListContainerStats: () => cri.runtime.listContainerStats({}),
    ListPodSandboxStats: () => cri.runtime.listPodSandboxStats({}),
    ContainerStats: () => cri.runtime.containerStats({ containerId }),
    ListImages: () => cri.images.listImages({}),
    ImageFsInfo: () => cri.images.imageFsInfo({}),
  };
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
      for (let i = 0; i < CALLS; i++) results.add(group, name, 'ms', on.side, (await timed(call)).ms);
    } catch (error) {
      results.note(`${on.side}: ${String(error).slice(0, 200)}`);
    }
  }
}

/** What a node pays for pods that do nothing, when nobody asks. */
async function idleCpu(on: Contestant, count: number, results: Results): Promise<void> {
  const { daemon, supervisors } = await on.pids();
  const seconds = 5;
  const before = await cpuMs([daemon, ...supervisors]);
  await sleep(seconds * 1000);
  const spent = (await cpuMs([daemon, ...supervisors])) - before;
  results.add('CPU time each second with nothing to do', `${count} running pods`, 'ms', on.side, spent / seconds);
}

async function starts(on: Contestant, when: string, results: Results): Promise<void> {
  for (let i = 0; i < STARTS; i++) {
    await on.end();
    results.add('Start of the daemon until Status says ready', when, 'ms', on.side, await on.start());
  }
}
