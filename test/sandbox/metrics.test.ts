/** Which pods and containers a monitoring system hears of. What it hears of one is in stats.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgroupSample } from '../../runtime/cgroups/sampler.js';
import { PodMetrics } from '../../sandbox/metrics.js';
import type { PodMetricsView } from '../../sandbox/types.js';
import { fakeNode } from '../support/fake-node.js';

async function metricsOf(t: Parameters<typeof fakeNode>[0], statsCached: (cgroup: string) => Promise<CgroupSample>) {
  const detailsCached = async () => ({ processes: [process.pid] });
  const writableLayers = { usage: () => undefined };
  const backend = { stats: async () => undefined };
  const made = await fakeNode(t, { backend, parts: { sampler: { statsCached, detailsCached }, writableLayers } });
  return { ...made, metrics: new PodMetrics(made.node) };
}

const SAMPLE = { stats: { memoryUsage: 7 }, nanoCores: 5n } as CgroupSample;

async function all(metrics: PodMetrics): Promise<PodMetricsView[]> {
  const views: PodMetricsView[] = [];
  for await (const view of metrics.all()) views.push(view);
  return views;
}

test('pods that are ready and containers that run, each with its cgroup', async (t) => {
  const { metrics, addPod, addContainer } = await metricsOf(t, async () => SAMPLE);
  await addPod();
  await addPod({ id: 'empty', cgroup: '/crib/empty' });
  for (const state of ['creating', 'stopping', 'not-ready'] as const) await addPod({ id: state, state });
  await addContainer('running', { pid: process.pid });
  for (const state of ['created', 'exited'] as const) await addContainer(state, { state });
  const views = await all(metrics);
  assert.deepEqual(
    views.map(({ cgroupPath, containers }) => [cgroupPath, containers.map((container) => container.cgroupPath)]),
    [
      ['/crib/pod', ['/crib/pod/running']],
      ['/crib/empty', []],
    ],
  );
  const [container] = views[0]?.containers ?? [];
  assert.ok(Number(container?.processes.openFiles) > 3, 'this process’s own');
  const { totalBytes = 0, inodesTotal = 0, inodesFree = 0 } = container?.filesystem ?? {};
  assert.ok(totalBytes > 2 ** 20 && inodesFree <= inodesTotal);
});

test('to ask again within a second costs nothing; a pod that has gone is not told from memory', async (t) => {
  let asked = 0;
  const { metrics, node, addPod } = await metricsOf(t, async () => {
    asked++;
    return SAMPLE;
  });
  const pod = await addPod();
  const [first] = await all(metrics);
  assert.equal((await all(metrics))[0], first);
  assert.equal(asked, 1);
  pod.record = { ...pod.record, state: 'not-ready' };
  assert.deepEqual(await all(metrics), []);
  pod.record = { ...pod.record, state: 'ready' };
  assert.notEqual((await all(metrics))[0], first, 'it was forgotten meanwhile');
  node.pods.delete(pod.id);
  assert.deepEqual(await all(metrics), []);
});

test('a pod that is removed while others are asked about is left out, and a few are asked about at a time', async (t) => {
  let [open, most] = [0, 0];
  const { metrics, node, addPod } = await metricsOf(t, async () => {
    most = Math.max(most, ++open);
    await sleep(5);
    open--;
    return SAMPLE;
  });
  for (let i = 0; i < 20; i++) await addPod({ id: `p${i}`, cgroup: `/crib/p${i}` });
  const seen: string[] = [];
  for await (const { stats } of metrics.all()) {
    seen.push(stats.pod.id);
    node.pods.delete('p19');
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 19 }, (_, index) => `p${index}`),
  );
  assert.equal(most, 8);
});
