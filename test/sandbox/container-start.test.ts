import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { startContainer } from '../../sandbox/container-start.js';
import { fakeNode } from '../support/fake-node.js';

const KEPT = { id: 'c', directory: '', pid: 9, startTime: '77', startedAt: '50', logPath: '', exit: undefined };
const CREATED = { state: 'created', startedAt: '0', pid: 0, startTime: '' } as const;

test('a started container is on disk as running before its event', async (t) => {
  const { node, addPod, addContainer, recorded, events } = await fakeNode(t, { backend: { start: async () => KEPT } });
  await addPod();
  await addContainer('c', CREATED);
  await startContainer(node, 'c');
  const { state, pid, startedAt } = (await recorded('c')) ?? {};
  assert.deepEqual({ state, pid, startedAt }, { state: 'running', pid: 9, startedAt: '50' });
  assert.deepEqual(events, ['started c']);
  await assert.rejects(startContainer(node, 'c'), { code: 'FAILED_PRECONDITION', message: /c is running/ });
});

test('only a created container of a ready pod starts', async (t) => {
  const { node, addPod, addContainer } = await fakeNode(t, {});
  await addPod({ state: 'stopping' });
  await addContainer('done', { state: 'exited' });
  await addContainer('c', CREATED);
  await assert.rejects(startContainer(node, 'done'), { code: 'FAILED_PRECONDITION', message: /is exited/ });
  await assert.rejects(startContainer(node, 'c'), { code: 'FAILED_PRECONDITION', message: /is stopping, not ready/ });
  await assert.rejects(startContainer(node, 'none'), { code: 'NOT_FOUND' });
});

test('what cannot be run has exited with the reason, and is not started again', async (t) => {
  const start = async () => {
    throw new CribError('UNKNOWN', 'exec: "nope": not found');
  };
  const { node, addPod, addContainer, recorded, events } = await fakeNode(t, { backend: { start } });
  await addPod();
  const container = await addContainer('c', CREATED);
  await assert.rejects(startContainer(node, 'c'), { code: 'UNKNOWN', message: /^starting container c .*nope/ });
  const { state, exitCode, reason, message } = (await recorded('c')) ?? {};
  assert.deepEqual([state, exitCode, reason], ['exited', 128, 'ContainerCannotRun']);
  assert.match(message ?? '', /nope/);
  assert.equal(await container.waitForExit(0), true);
  assert.deepEqual(events, ['stopped c']);
  await assert.rejects(startContainer(node, 'c'), { code: 'FAILED_PRECONDITION' });
});

test('an exit that came before the start was recorded follows it', async (t) => {
  const { node, addPod, addContainer, events } = await fakeNode(t, { backend: { start: async () => KEPT } });
  await addPod();
  const container = await addContainer('c', CREATED);
  container.seenExit = { exitCode: 4, signal: 0, finishedAt: '60' };
  await startContainer(node, 'c');
  assert.deepEqual(events, ['started c', 'stopped c']);
  assert.equal(container.record.exitCode, 4);
});

test('what runs but cannot be written down is killed', async (t) => {
  const killed: string[] = [];
  const { node, addPod, addContainer } = await fakeNode(t, {
    backend: { start: async () => KEPT },
    keeper: { killAll: async (id) => void killed.push(id) },
  });
  await addPod();
  const container = await addContainer('c', CREATED);
  await fs.rm(node.containerRecords.directory('c'), { recursive: true });
  await fs.writeFile(node.containerRecords.directory('c'), 'in the way');
  await assert.rejects(startContainer(node, 'c'));
  assert.deepEqual(killed, ['c']);
  assert.equal(container.record.state, 'exited', 'in memory at least');
});

test('a call while it is being started joins that start', async (t) => {
  let started: () => void = () => {};
  const start = () =>
    new Promise<typeof KEPT>((resolve) => {
      started = () => resolve(KEPT);
    });
  const { node, addPod, addContainer, events } = await fakeNode(t, { backend: { start } });
  await addPod();
  await addContainer('c', CREATED);
  const calls = [startContainer(node, 'c'), startContainer(node, 'c')];
  await new Promise((resolve) => setTimeout(resolve, 10));
  started();
  await Promise.all(calls);
  assert.deepEqual(events, ['started c']);
});
