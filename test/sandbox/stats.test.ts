import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupSample } from '../../runtime/cgroups/sampler.js';
import type { ContainerRecord } from '../../sandbox/container-record.js';
import { PodMetrics } from '../../sandbox/metrics.js';
import { statsOfContainer, statsOfPod, upperOf } from '../../sandbox/stats.js';
import { fakeNode } from '../support/fake-node.js';

const USED = { timestamp: 1n, mountpoint: '/m', usedBytes: 4096, inodesUsed: 1 };

async function nodeOfStats(t: Parameters<typeof fakeNode>[0]) {
  const asked: string[] = [];
  const statsCached = async (cgroup: string) => {
    asked.push(cgroup);
    return { stats: { memoryUsage: 7 }, nanoCores: 5n } as CgroupSample;
  };
  const backend = { stats: ({ cgroup }: ContainerRecord) => statsCached(cgroup) };
  const writableLayers = { usage: (_: string, upper: string) => ({ ...USED, mountpoint: upper }) };
  return { ...(await fakeNode(t, { backend, parts: { sampler: { statsCached }, writableLayers } })), asked };
}

test('a container that runs has figures of its cgroup; one that does not keeps those of its layer', async (t) => {
  const { node, addPod, addContainer, asked } = await nodeOfStats(t);
  await addPod();
  const running = await statsOfContainer(node, await addContainer('running'));
  assert.deepEqual([running.cgroup, running.nanoCores], [{ memoryUsage: 7 }, 5n]);
  const done = await statsOfContainer(node, await addContainer('done', { state: 'exited' }));
  assert.equal(done.cgroup, undefined);
  assert.equal(done.writableLayer?.mountpoint, upperOf(node, 'done'));
  assert.deepEqual(asked, ['/crib/pod/running']);
});

test('a pod lists what runs in it, and a stopped one has no figures', async (t) => {
  const { node, addPod, addContainer, asked } = await nodeOfStats(t);
  const pod = await addPod();
  await addContainer('running');
  await addContainer('done', { state: 'exited' });
  await addContainer('elsewhere', { podId: 'other' });
  const stats = await statsOfPod(node, pod);
  assert.deepEqual(
    stats.containers.map(({ container }) => container.id),
    ['running'],
  );
  assert.deepEqual(asked.sort(), ['/crib/pod', '/crib/pod/running']);
  assert.deepEqual(stats.interfaces, [], "on the host's network they are not the pod's");
  pod.record = { ...pod.record, state: 'not-ready' };
  assert.equal((await statsOfPod(node, pod)).cgroup, undefined);
});

test('a container that cannot be measured is listed without figures, and said', async (t) => {
  const stats = async () => {
    throw new Error('runsc events: signal: killed');
  };
  const writableLayers = { usage: () => USED };
  const { node, addPod, addContainer, lines } = await fakeNode(t, { backend: { stats }, parts: { writableLayers } });
  await addPod();
  const { cgroup, writableLayer } = await statsOfContainer(node, await addContainer('sick'));
  assert.deepEqual([cgroup, writableLayer], [undefined, USED]);
  assert.match(JSON.stringify(lines), /sick.*runsc events/);
});

test('a pod that cannot be measured is listed with what can be, in its metrics too, and is said', async (t) => {
  const fail = async () => {
    throw new Error('EMFILE: too many open files');
  };
  const backend = { stats: async () => ({ stats: { memoryUsage: 7 }, nanoCores: 5n }) as CgroupSample };
  const parts = { sampler: { statsCached: fail, detailsCached: fail }, writableLayers: { usage: () => USED } };
  const { node, addPod, addContainer, lines } = await fakeNode(t, { backend, parts });
  const pod = await addPod();
  await addContainer('well');
  const { cgroup, containers } = await statsOfPod(node, pod);
  assert.deepEqual([cgroup, containers[0]?.cgroup], [undefined, { memoryUsage: 7 }]);
  const metrics = [];
  for await (const view of new PodMetrics(node).all()) metrics.push(view);
  assert.deepEqual([metrics[0]?.details, metrics[0]?.containers[0]?.details], [undefined, undefined]);
  assert.match(JSON.stringify(lines), /"pod":"pod".*too many open files/);
});
