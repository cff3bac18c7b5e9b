/** A backend that fails on purpose: what a keeper that dies again and again does to RunPodSandbox. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { Node } from '../../sandbox/node.js';
import { runPod } from '../../sandbox/pod-run.js';
import { podConfig } from '../support/configs.js';
import { recordingLog } from '../support/log.js';
import { fakeParts } from '../support/node-parts.js';

const NEVER = new AbortController().signal;
const GONE = new CribError('UNAVAILABLE', 'the keeper is gone');

/** What is on disk of a pod whose making fails, and whose undoing does what `release` does. */
async function recordsAfter(t: TestContext, release: () => Promise<void>) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-pod-run-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const { log } = recordingLog();
  const parts = fakeParts(root, log, {});
  Object.assign(parts.handlers.get('host'), {
    prepare: async () => undefined,
    finish: async () => Promise.reject(GONE),
    release,
  });
  Object.assign(parts.network, { attach: async () => ({ ips: [] }), detach: async () => undefined });
  const node = new Node(parts);
  await assert.rejects(runPod(node, podConfig('pod'), 'host', NEVER), { code: 'UNAVAILABLE' });
  return (await node.podRecords.load()).records.map(({ state }) => state);
}

test('a pod that could not be made and was taken back leaves no record', async (t) => {
  assert.deepEqual(await recordsAfter(t, async () => undefined), []);
});

test('a pod that cannot be taken back keeps its record, by which the next start does it', async (t) => {
  assert.deepEqual(await recordsAfter(t, async () => Promise.reject(GONE)), ['creating']);
});

/** A node whose backend waits in `prepare` until it is let go; each time counts. */
async function waitingNode(t: TestContext) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-pod-run-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const parts = fakeParts(root, recordingLog().log, {});
  const waiting: (() => void)[] = [];
  Object.assign(parts.handlers.get('host'), {
    prepare: () => new Promise<void>((resolve) => waiting.push(resolve)),
    finish: async () => undefined,
    release: async () => undefined,
  });
  Object.assign(parts.network, { attach: async () => ({ ips: [] }), detach: async () => undefined });
  const node = new Node(parts);
  node.emit = () => undefined;
  const prepared = async (count: number) => {
    while (waiting.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    return waiting[count - 1];
  };
  return { node, prepared };
}

test('a pod is made for the client that still waits, although the one that asked first has gone', async (t) => {
  const { node, prepared } = await waitingNode(t);
  const first = new AbortController();
  const gone = runPod(node, podConfig('pod'), 'host', first.signal);
  const letGo = await prepared(1);
  const retry = runPod(node, podConfig('pod'), 'host', NEVER);
  first.abort();
  letGo?.();
  assert.equal(await retry, await gone);
  assert.equal([...node.pods.values()].length, 1);
});

test('a client that comes after all others have given up gets a pod of its own, once theirs is undone', async (t) => {
  const { node, prepared } = await waitingNode(t);
  const first = new AbortController();
  const gone = assert.rejects(runPod(node, podConfig('pod'), 'host', first.signal), { code: 'CANCELLED' });
  const letGo = await prepared(1);
  first.abort();
  const retry = runPod(node, podConfig('pod'), 'host', NEVER);
  letGo?.();
  await gone;
  (await prepared(2))?.();
  const id = await retry;
  assert.deepEqual(
    (await node.podRecords.load()).records.map((record) => [record.id, record.state]),
    [[id, 'ready']],
  );
});

test('after its clients have gone a pod that is ready is still refused to a different request', async (t) => {
  const { node, prepared } = await waitingNode(t);
  const first = new AbortController();
  const made = runPod(node, podConfig('pod'), 'host', first.signal);
  (await prepared(1))?.();
  await made;
  first.abort();
  const other = { ...podConfig('pod'), hostname: 'another' };
  await assert.rejects(runPod(node, other, 'host', NEVER), { code: 'ALREADY_EXISTS' });
});

test('a retry whose maps come in another order, as Go sends them, is the same request; another handler is not', async (t) => {
  const { node, prepared } = await waitingNode(t);
  const config = { ...podConfig('pod'), labels: { a: '1', b: '2' }, annotations: { c: '3', d: '4' } };
  const first = runPod(node, config, 'host', NEVER);
  (await prepared(1))?.();
  const mixed = { ...config, labels: { b: '2', a: '1' }, annotations: { d: '4', c: '3' } };
  assert.equal(await runPod(node, mixed, 'host', NEVER), await first);
  await assert.rejects(runPod(node, config, '', NEVER), { code: 'ALREADY_EXISTS' });
});

test('a sandbox that takes the place of another is newer, also when the clock was set back in between', async (t) => {
  const { node, prepared } = await waitingNode(t);
  const createdAt: bigint[] = [];
  const real = Date.now;
  t.after(() => {
    Date.now = real;
  });
  for (const [attempt, setBackBy] of [0, 3_600_000].entries()) {
    Date.now = () => real() - setBackBy;
    const base = podConfig('pod');
    const metadata = { ...base.metadata, uid: 'uid', attempt };
    const made = runPod(node, { ...base, metadata }, 'host', NEVER);
    (await prepared(attempt + 1))?.();
    createdAt.push(node.pods.get(await made).view().createdAt);
  }
  const [first = 0n, second = 0n] = createdAt;
  assert.ok(second > first, `${second} is not after ${first}`);
});
