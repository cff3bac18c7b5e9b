import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stop } from '../../../../cri/cli/commands/stop.js';
import { containerConfig, podConfig } from '../../../support/configs.js';
import { startFakeService, viewOfContainer, viewOfPod } from '../../../support/fake-service.js';
import { invocation, printed } from './printed.js';

const IDS = { web: 'a'.repeat(64), log: 'b'.repeat(64), pod: 'c'.repeat(64) };
const views = (['web', 'log'] as const).map((name) =>
  viewOfContainer(IDS[name], { podId: IDS.pod, config: containerConfig(name) }),
);
const { address, asked } = await startFakeService({
  listContainers: ({ podId }: { podId?: string }) => views.filter((view) => !podId || view.podId === podId),
  listPods: () => [viewOfPod({ id: IDS.pod, config: podConfig('mine') })],
});
const stopped = () => asked.splice(0).filter(([call]) => String(call).startsWith('stop'));

test('a container has the time that it is given, in seconds on the command line', async (t) => {
  const { stdout } = await printed(t, () => stop(invocation(address), ['web'], { timeout: 3 }));
  assert.equal(stdout, 'web\n');
  assert.deepEqual(stopped(), [['stopContainer', IDS.web, 3000]]);
});

test('a pod’s containers have it too, before the pod is stopped', async (t) => {
  await printed(t, () => stop(invocation(address), ['test/mine'], { timeout: 0 }));
  const calls = stopped();
  assert.deepEqual(calls.slice(0, 2).sort(), [
    ['stopContainer', IDS.web, 0],
    ['stopContainer', IDS.log, 0],
  ]);
  assert.deepEqual(calls.slice(2), [['stopPod', IDS.pod]]);
});

test('where one of several is not there none is stopped', async (t) => {
  const failing = printed(t, () => stop(invocation(address), ['web', 'none'], { timeout: 0 }));
  await assert.rejects(failing, { code: 'NOT_FOUND', message: /none/ });
  assert.deepEqual(stopped(), []);
});

test('as JSON the ids are printed, once all are stopped', async (t) => {
  const { stdout } = await printed(t, () => stop(invocation(address, true), ['web', 'log'], { timeout: 0 }));
  assert.deepEqual(JSON.parse(stdout), [IDS.web, IDS.log]);
});
