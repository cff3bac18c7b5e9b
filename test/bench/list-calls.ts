/**
 * What the list calls of a full node cost in CPU time: statistics of real cgroups (made for it, and removed again), and
 * messages of records that are made up. It reports and judges nothing. In a cgroup namespace of one's own:
 *   node dist/test/bench/list-calls.js [PODS]     two containers each; 200 pods unless told otherwise
 * "Turn" is the longest time that nothing else could run, of the best round: other work on the machine counts in it.
 */

import {
  ListContainerStatsResponse,
  ListContainersResponse,
  ListPodSandboxMetricsResponse,
} from '../../cri/api/generated/index.js';
import { encodeMessage } from '../../cri/api/wire.js';
import { listContainers } from '../../cri/services/container-list.js';
import { listContainerStats } from '../../cri/services/container-stats.js';
import type { ServiceContext } from '../../cri/services/context.js';
import { listPodSandboxMetrics } from '../../cri/services/pod-metrics.js';
import { createCgroups } from '../../runtime/cgroups/cgroups.js';
import { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { madeUpContainer, madeUpMetrics, madeUpStats } from './node-records.js';

const ROUNDS = 7;
const BASE = `/crib-bench-${process.pid}`;

interface Cost {
  readonly cpu: number;
  readonly turn: number;
}

/** CPU milliseconds of all threads, and the longest turn of the event loop, of the cheapest round. */
async function costOf(operation: () => Promise<unknown>): Promise<Cost> {
  let cpu = Number.POSITIVE_INFINITY;
  let turn = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    turn = Math.min(turn, await longestTurn(operation));
    const { user, system } = process.cpuUsage(before);
    cpu = Math.min(cpu, (user + system) / 1000);
  }
  return { cpu, turn };
}

async function longestTurn(operation: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const note = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  let immediate = setImmediate(function again() {
    note();
    immediate = setImmediate(again);
  });
  await operation();
  note();
  clearImmediate(immediate);
  return longest;
}

function print(what: string, { cpu, turn }: Cost): void {
  console.log(`${what.padEnd(60)} ${cpu.toFixed(1).padStart(8)} ms CPU ${turn.toFixed(1).padStart(8)} ms turn`);
}

async function readings(pods: number): Promise<void> {
  const cgroups = await createCgroups();
  const paths = Array.from({ length: pods }, (_, pod) => [`${BASE}/${pod}`, `${BASE}/${pod}/a`, `${BASE}/${pod}/b`]);
  const all = paths.flat();
  for (const path of all) await cgroups.create(path);
  try {
    const fresh = () => new CgroupSampler(cgroups);
    const statistics = async (sampler: CgroupSampler) => Promise.all(all.map((path) => sampler.statsCached(path)));
    const details = async (sampler: CgroupSampler) => Promise.all(all.map((path) => sampler.detailsCached(path)));
    print(`statistics of ${all.length} cgroups`, await costOf(() => statistics(fresh())));
    print(`details of ${all.length} cgroups`, await costOf(() => details(fresh())));
  } finally {
    await cgroups.remove(BASE);
  }
}

/** A node that answers at once, so that what is left is translating and encoding. */
function contextOf(pods: number): ServiceContext {
  const indices = Array.from({ length: pods }, (_, index) => index);
  const each = indices.flatMap((index) => [index * 2, index * 2 + 1]);
  const containers = each.map(madeUpContainer);
  const stats = each.map(madeUpStats);
  const metrics = indices.map(madeUpMetrics);
  const runtime: Pick<PodRuntime, 'listContainers' | 'listContainerStats' | 'podMetrics'> = {
    listContainers: () => containers,
    listContainerStats: async () => stats,
    podMetrics: async function* () {
      yield* metrics;
    },
  };
  return { pods: runtime } as unknown as ServiceContext;
}

async function messages(pods: number): Promise<void> {
  const context = contextOf(pods);
  const { signal } = new AbortController();
  const filter = { filter: undefined };
  print(
    `ListContainers of ${pods * 2}`,
    await costOf(async () => encodeMessage(ListContainersResponse, await listContainers(context, filter, signal))),
  );
  print(
    `ListContainerStats of ${pods * 2}, encoding alone`,
    await costOf(async () =>
      encodeMessage(ListContainerStatsResponse, await listContainerStats(context, filter, signal)),
    ),
  );
  print(
    `ListPodSandboxMetrics of ${pods} pods, encoding alone`,
    await costOf(async () =>
      encodeMessage(ListPodSandboxMetricsResponse, await listPodSandboxMetrics(context, {}, signal)),
    ),
  );
}

const pods = Number(process.argv[2] ?? 200);
await messages(pods);
await readings(pods);
