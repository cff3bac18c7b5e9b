import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ps } from '../../../../cri/cli/commands/ps.js';
import { containerConfig, podConfig } from '../../../support/configs.js';
import { startFakeService, viewOfContainer, viewOfPod } from '../../../support/fake-service.js';
import { invocation, printed, rowsOf } from './printed.js';

const NOW = BigInt(Date.now()) * 1_000_000n;
const HOUR = 3_600_000_000_000n;
const config = { ...containerConfig('web', 'sha256:abc'), metadata: { name: 'web', attempt: 2 } };
const named = { ...config, image: { ...config.image, userSpecifiedImage: 'nginx:1' } };
const RUNNING = viewOfContainer('a'.repeat(64), { config: named, createdAt: NOW - 25n * HOUR });
const EXITED = viewOfContainer('b'.repeat(64), {
  config,
  state: 'exited',
  createdAt: NOW - HOUR,
  podId: 'f'.repeat(64),
});

const { address, asked } = await startFakeService({
  listContainers: ({ state }: { state?: string }) =>
    [RUNNING, EXITED].filter((view) => state === undefined || view.state === state),
  listPods: () => [viewOfPod({ config: podConfig('mine') })],
});

test('what runs is listed, with its pod, its restarts and the image as it was asked for', async (t) => {
  assert.deepEqual(rowsOf(await printed(t, () => ps(invocation(address), {}))), [
    ['a'.repeat(13), 'web', 'mine', 'running', '2', '1 day ago', 'nginx:1'],
  ]);
  const [, filter] = asked.find(([call]) => call === 'listContainers') ?? [];
  assert.equal((filter as { state?: string } | undefined)?.state, 'running');
});

test('all of them on request, the newest first; a pod that is not listed by its id', async (t) => {
  assert.deepEqual(rowsOf(await printed(t, () => ps(invocation(address), { all: true }))), [
    ['b'.repeat(13), 'web', 'f'.repeat(13), 'exited', '2', '1 hour ago', 'sha256:abc'],
    ['a'.repeat(13), 'web', 'mine', 'running', '2', '1 day ago', 'nginx:1'],
  ]);
});

test('nothing is a table without lines, and an empty list', async (t) => {
  const empty = await startFakeService({ listContainers: () => [], listPods: () => [] });
  assert.deepEqual(rowsOf(await printed(t, () => ps(invocation(empty.address), {}))), []);
  assert.equal((await printed(t, () => ps(invocation(empty.address, true), {}))).stdout, '[]\n');
});
