import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishExit, finishUnseen, startOf } from '../../sandbox/container-exit.js';
import { fakeNode } from '../support/fake-node.js';

const exit = (exitCode: number | undefined) => ({ exitCode, signal: 0, finishedAt: '5' });

test('the reason tells success, failure, memory that ran out, and an end that nobody saw', async (t) => {
  let oomKills = 0;
  const { node, addPod, addContainer } = await fakeNode(t, { parts: { cgroups: { oomKills: async () => oomKills } } });
  await addPod();
  for (const [code, kills, exitCode, reason] of [
    [0, 0, 0, 'Completed'],
    [0, 1, 0, 'Completed'],
    [3, 0, 3, 'Error'],
    [137, 1, 137, 'OOMKilled'],
    [undefined, 1, 255, 'Unknown'],
  ] as const) {
    oomKills = kills;
    const container = await addContainer(`c-${code}-${kills}`);
    await finishExit(node, container, exit(code));
    assert.deepEqual([container.record.exitCode, container.record.reason], [exitCode, reason]);
  }
});

test('it is on disk before anyone is told, once, and a second telling changes nothing', async (t) => {
  const { node, addPod, addContainer, recorded, events } = await fakeNode(t, {});
  await addPod();
  const container = await addContainer('c');
  let stateOnDisk: string | undefined;
  const told = container.waitForExit(10_000).then(async () => {
    stateOnDisk = (await recorded('c'))?.state;
  });
  await Promise.all([finishExit(node, container, exit(7)), finishExit(node, container, exit(8)), told]);
  await finishUnseen(node, container);
  assert.equal(stateOnDisk, 'exited');
  assert.equal((await recorded('c'))?.exitCode, 7);
  assert.deepEqual(events, ['stopped c']);
});

test('an exit before the start was recorded is kept for it', async (t) => {
  const { node, addPod, addContainer, events } = await fakeNode(t, {});
  await addPod();
  const container = await addContainer('c', { state: 'created' });
  await finishExit(node, container, exit(7));
  assert.equal(container.record.state, 'created');
  assert.deepEqual(container.seenExit, exit(7));
  assert.deepEqual(events, []);
});

test('an unseen end has a time after the start and says that its code is not known', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, {});
  await addPod();
  const future = String(10n ** 20n);
  const container = await addContainer('c', { startedAt: future });
  await finishUnseen(node, container);
  const { exitCode, reason, finishedAt, message } = container.record;
  assert.deepEqual([exitCode, reason, finishedAt], [255, 'Unknown', future]);
  assert.match(message, /not known/);
});

test('a container starts no earlier than it was created, whatever the clocks of two processes say', async (t) => {
  const { addPod, addContainer } = await fakeNode(t, {});
  await addPod();
  const container = await addContainer('c', { state: 'created', createdAt: '100' });
  const kept = { id: 'c', directory: '', pid: 9, startTime: '77', logPath: '', exit: undefined };
  assert.deepEqual(startOf(container, { ...kept, startedAt: '90' }), {
    state: 'running',
    pid: 9,
    startTime: '77',
    startedAt: '100',
  });
  assert.equal(startOf(container, { ...kept, startedAt: '110' }).startedAt, '110');
});

test('counters that cannot be read cost the word for the reason, not the exit', async (t) => {
  const oomKills = async () => {
    throw new Error('EIO');
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, { parts: { cgroups: { oomKills } } });
  await addPod();
  const container = await addContainer('c');
  await finishExit(node, container, exit(137));
  const { state, exitCode, reason } = (await recorded('c')) ?? {};
  assert.deepEqual([state, exitCode, reason], ['exited', 137, 'Error']);
});
