import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../../../../cri/cli/commands/pods.js';
import { podConfig } from '../../../support/configs.js';
import { startFakeService, viewOfPod } from '../../../support/fake-service.js';
import { invocation, printed, rowsOf } from './printed.js';

const NOW = BigInt(Date.now()) * 1_000_000n;
const MINUTE = 60_000_000_000n;
const LIST = [
  viewOfPod({
    id: 'a'.repeat(64),
    config: podConfig('old'),
    createdAt: NOW - 90n * MINUTE,
    state: 'not-ready',
    handler: '',
  }),
  viewOfPod({ id: 'b'.repeat(64), config: podConfig('new'), createdAt: NOW - 5n * MINUTE, handler: 'gvisor' }),
];
const { address } = await startFakeService({ listPods: () => LIST });

test('the newest is first, with its state, handler and age', async (t) => {
  assert.deepEqual(rowsOf(await printed(t, () => pods(invocation(address)))), [
    ['b'.repeat(13), 'test', 'new', 'ready', 'gvisor', '5 minutes ago'],
    ['a'.repeat(13), 'test', 'old', 'not ready', '(default)', '1 hour ago'],
  ]);
});

test('as JSON they are in the same order, with whole ids', async (t) => {
  const list = JSON.parse((await printed(t, () => pods(invocation(address, true)))).stdout);
  assert.deepEqual(
    list.map(({ id }: { id: string }) => id),
    ['b'.repeat(64), 'a'.repeat(64)],
  );
});
