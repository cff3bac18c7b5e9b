import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SYSTEMD } from '../../runtime/cgroups/driver.js';
import { oomKillsBefore, oomKillsOf } from '../../sandbox/out-of-memory.js';
import { fakeNode } from '../support/fake-node.js';

/** `counts`: by cgroup; one that is not named is gone. */
async function systemdNode(t: TestContext, counts: Record<string, number>) {
  const cgroups = { version: 2, oomKills: async (path: string) => counts[path] };
  const fake = await fakeNode(t, { parts: { cgroups, cgroupDriver: SYSTEMD } });
  const pod = await fake.addPod({ cgroup: '/p.slice' });
  const add = (id: string) => fake.addContainer(id, { cgroup: `/p.slice/${id}` });
  const recordedKills = async () => (await fake.node.podRecords.load()).records[0]?.oomKills;
  return { ...fake, pod, add, recordedKills };
}

test('a scope that is gone with its counter: the pod has counted what nobody else had', async (t) => {
  const counts: Record<string, number> = { '/p.slice': 1, '/p.slice/beside': 0 };
  const { node, add, recordedKills } = await systemdNode(t, counts);
  const [first, beside, third] = [await add('first'), await add('beside'), await add('third')];
  assert.equal(await oomKillsOf(node, first), 1);
  assert.equal(await recordedKills(), 1, 'known after a restart too');
  assert.equal(await oomKillsOf(node, third), 0, 'the kill was the first one’s');
  counts['/p.slice'] = 3;
  counts['/p.slice/beside'] = 2;
  assert.equal(await oomKillsOf(node, await add('fourth')), 0, 'those are of one that runs');
  assert.equal(await oomKillsOf(node, beside), 2);
  assert.equal(await recordedKills(), 3);
});

test('two that end at once are not given the same kill', async (t) => {
  const { node, add } = await systemdNode(t, { '/p.slice': 1 });
  const ended = [await add('one'), await add('two')];
  const kills = await Promise.all(ended.map((container) => oomKillsOf(node, container)));
  assert.deepEqual(kills, [1, 0]);
});

test('pods that share a slice: what the slice has counted is told once, in whichever of them it was', async (t) => {
  const counts: Record<string, number> = { '/p.slice': 2, '/p.slice/beside': 1 };
  const { node, add, addPod, addContainer, pod } = await systemdNode(t, counts);
  const other = await addPod({ id: 'other', cgroup: '/p.slice' });
  await addContainer('beside', { podId: 'other', cgroup: '/p.slice/beside', state: 'running' });
  assert.deepEqual(await oomKillsBefore(node, '/p.slice'), {}, 'nobody has been told of them yet');
  assert.equal(await oomKillsOf(node, await add('one')), 1, 'not the one of the container that runs in the other pod');
  assert.deepEqual([pod.record.oomKills, other.record.oomKills], [1, 1]);
  const inOther = await addContainer('two', { podId: 'other', cgroup: '/p.slice/two' });
  assert.equal(await oomKillsOf(node, inOther), 0);
  node.pods.delete(pod.id);
  assert.deepEqual(await oomKillsBefore(node, '/p.slice'), { oomKills: 1 }, 'known without the pod that had it');
});

test('what a cgroup has counted before its pod is not its containers’', async (t) => {
  const { node, pod } = await systemdNode(t, { '/p.slice': 4, '/new.slice': 0 });
  pod.record = { ...pod.record, state: 'not-ready' };
  assert.deepEqual(await oomKillsBefore(node, '/p.slice'), { oomKills: 4 });
  assert.deepEqual(await oomKillsBefore(node, '/new.slice'), {});
});

test('without systemd the container’s own counter is all there is', async (t) => {
  const cgroups = { version: 2, oomKills: async (path: string) => (path === '/p' ? 7 : undefined) };
  const { node, addPod, addContainer } = await fakeNode(t, { parts: { cgroups } });
  await addPod({ cgroup: '/p' });
  assert.equal(await oomKillsOf(node, await addContainer('one', { cgroup: '/p/one' })), 0);
  assert.deepEqual(await oomKillsBefore(node, '/p'), {});
});
