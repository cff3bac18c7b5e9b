/** Moments of a start that cannot be hit on purpose with a real keeper: what it tells while records are being read. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Records } from '../../runtime/containers/records.js';
import { CribError } from '../../runtime/errors.js';
import type { Keeper, KeptContainer, KeptExit } from '../../runtime/keeper/protocol.js';
import { type ContainerRecord, isContainerRecord } from '../../sandbox/container-record.js';
import { isPodRecord, type PodRecord } from '../../sandbox/pod-record.js';
import { createPodRuntime } from '../../sandbox/runtime.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { recordingLog } from '../support/log.js';
import { fakeParts } from '../support/node-parts.js';
import { containerRecord, podRecord } from '../support/records.js';
import { until } from '../support/until.js';

const EXIT: KeptExit = { exitCode: 7, signal: 0, finishedAt: '9' };

function kept(id: string, exit: KeptExit | undefined): KeptContainer {
  return { id, directory: '', pid: 2, startTime: '1', startedAt: '5', logPath: '', exit };
}

/** A node of one pod whose containers are recorded, opened with a keeper that does what the test says. */
async function openNode(
  t: TestContext,
  records: readonly ContainerRecord[],
  keeperOf: (told: (container: KeptContainer) => void) => Partial<Keeper>,
) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-reconcile-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const { log } = recordingLog();
  await new Records(path.join(root, 'pods'), log, isPodRecord).save(podRecord('pod'));
  const containers = new Records(path.join(root, 'containers'), log, isContainerRecord);
  for (const record of records) await containers.save(record);
  const listeners: ((container: KeptContainer) => void)[] = [];
  const keeper = keeperOf((container) => {
    for (const listener of listeners) listener(container);
  });
  const parts = fakeParts(root, log, {
    settled: async () => undefined,
    ...keeper,
    onExit: (listener) => listeners.push(listener),
  });
  const pods = createPodRuntime(parts);
  await pods.open();
  const stopped = await stoppedWithin(pods, 100);
  const reload = async () => (await containers.load()).records;
  return { pods, stopped, reload };
}

/** Containers in the stopped events of some milliseconds, those that were kept for the first subscriber among them. */
async function stoppedWithin(pods: PodRuntime, milliseconds: number): Promise<string[]> {
  const stopped: string[] = [];
  const listening = new AbortController();
  setTimeout(() => listening.abort(), milliseconds);
  try {
    for await (const { type, containerId } of pods.events(listening.signal)) {
      if (type === 'stopped') stopped.push(containerId);
    }
  } catch (error) {
    if (!listening.signal.aborted) throw error;
  }
  return stopped;
}

test('an exit that the keeper tells while the records are loaded is not lost', async (t) => {
  const { pods, reload } = await openNode(t, [containerRecord('c', 'pod')], (told) => ({
    list: async () => {
      setImmediate(() => told(kept('c', EXIT)));
      return [kept('c', undefined)];
    },
  }));
  const { state, exitCode } = pods.containerStatus('c');
  assert.deepEqual({ state, exitCode }, { state: 'exited', exitCode: 7 });
  assert.equal((await reload())[0]?.state, 'exited');
});

test('a container that was created for a daemon that died is waited for, and its early exit is not lost', async (t) => {
  let isSettled = false;
  const created = containerRecord('c', 'pod', { state: 'created', startedAt: '0', pid: 0, startTime: '' });
  const { pods } = await openNode(t, [created], (told) => ({
    settled: async () => {
      isSettled = true;
      told(kept('c', EXIT));
    },
    list: async () => (isSettled ? [kept('c', undefined)] : []),
  }));
  const { state, exitCode, startedAt } = pods.containerStatus('c');
  assert.deepEqual({ state, exitCode, startedAt }, { state: 'exited', exitCode: 7, startedAt: 5n });
});

test('an exit that is told several times at once is recorded and announced once', async (t) => {
  const { pods, stopped } = await openNode(t, [containerRecord('c', 'pod')], (told) => ({
    list: async () => {
      for (let times = 0; times < 3; times++) setImmediate(() => told(kept('c', EXIT)));
      return [kept('c', EXIT)];
    },
  }));
  assert.equal(pods.containerStatus('c').exitCode, 7);
  assert.deepEqual(stopped, ['c']);
});

test('a container never ends before it has started, whatever the clocks say', async (t) => {
  const record = containerRecord('c', 'pod', { startedAt: '20' });
  const { pods } = await openNode(t, [record], () => ({ list: async () => [kept('c', EXIT)] }));
  const { startedAt, finishedAt } = pods.containerStatus('c');
  assert.ok(finishedAt >= startedAt);
});

test('a stranger that is killed is forgotten once it has ended', async (t) => {
  let refusals = 2;
  const forgotten: string[] = [];
  await openNode(t, [], () => ({
    list: async () => [kept('stranger', undefined)],
    killAll: async () => undefined,
    forget: async (id) => {
      if (refusals-- > 0) throw new CribError('FAILED_PRECONDITION', 'its init is running');
      forgotten.push(id);
    },
  }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(forgotten, ['stranger']);
});

/** A start that finds these pods stopping, with a network that takes each back when the test says so. */
async function startOf(
  t: TestContext,
  ids: readonly string[],
  detach: (id: string) => Promise<void>,
  change: Partial<PodRecord> = { state: 'stopping' },
) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-reconcile-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const { log } = recordingLog();
  const records = new Records(path.join(root, 'pods'), log, isPodRecord);
  for (const id of ids) await records.save({ ...podRecord(id), ...change });
  const parts = fakeParts(root, log, { settled: async () => undefined, list: async () => [], onExit: () => undefined });
  const pods = createPodRuntime({ ...parts, network: { ...parts.network, attached: () => [], detach } });
  const state = async (id: string) => (await records.load()).records.find((record) => record.id === id)?.state;
  return { pods, state };
}

test('pods whose stop was cut off are stopped several at a time', async (t) => {
  const waiting: (() => void)[] = [];
  const { pods, state } = await startOf(t, ['a', 'b', 'c'], async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
  });
  const opening = pods.open();
  await until(() => waiting.length === 3, 'all three wait for the network');
  for (const goOn of waiting) goOn();
  await opening;
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(state)), ['not-ready', 'not-ready', 'not-ready']);
});

test('a pod whose network does not go does not keep the node from starting; it is stopped when it goes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let goOn: (() => void) | undefined;
  const { pods, state } = await startOf(t, ['quick', 'slow'], async (id) => {
    if (id === 'slow')
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
  });
  const opening = pods.open();
  await until(async () => goOn !== undefined && (await state('quick')) === 'not-ready', 'only the slow one is left');
  t.mock.timers.tick(20_000);
  await opening;
  assert.equal(await state('slow'), 'stopping');
  assert.deepEqual(
    pods.listPods({}).map((pod) => pod.state),
    ['not-ready', 'not-ready'],
  );
  goOn?.();
  await pods.stopPod('slow');
  assert.equal(await state('slow'), 'not-ready');
});

test('a pod that a reboot has ended is not ready any more, also while its turn to be stopped has not come', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const ids = Array.from({ length: 12 }, (_, index) => `pod${index}`);
  const hung: string[] = [];
  const detach = async (id: string) => {
    hung.push(id);
    await new Promise<void>(() => {});
  };
  const { pods } = await startOf(t, ids, detach, { bootId: 'before' });
  const opening = pods.open();
  await until(() => hung.length === 8, 'as many as are stopped at a time hang');
  t.mock.timers.tick(20_000);
  await opening;
  assert.deepEqual([...new Set(pods.listPods({}).map(({ state }) => state))], ['not-ready']);
});
