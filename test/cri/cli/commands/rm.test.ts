import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { rm } from '../../../../cri/cli/commands/rm.js';
import { logDirectoryOf } from '../../../../cri/cli/pod/local-pods.js';
import { containerConfig, podConfig } from '../../../support/configs.js';
import { startFakeService, viewOfContainer, viewOfPod } from '../../../support/fake-service.js';
import { invocation, printed } from './printed.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-rm-'));
const localPods = path.join(root, 'local-pods');
const POD = { ...podConfig('mine'), logDirectory: logDirectoryOf(localPods, 'uid-mine') };
const pod = viewOfPod({ id: 'p1', config: POD });
const stoppedPod = viewOfPod({ id: 'p2', config: podConfig('kubelets'), state: 'not-ready' });
const containers = [
  viewOfContainer('c1', { podId: 'p1', config: containerConfig('runs') }),
  viewOfContainer('c2', { podId: 'p2', config: containerConfig('done'), state: 'exited' }),
];
const { address, asked } = await startFakeService({
  listContainers: ({ podId }: { podId?: string }) => containers.filter((view) => !podId || view.podId === podId),
  listPods: () => [pod, stoppedPod],
  podStatus: (id: string) => (id === 'p1' ? pod : stoppedPod),
  podInfo: async (id: string) => ({ config: id === 'p1' ? POD : stoppedPod.config }),
  containersOfPod: () => [],
});
const changes = () => asked.splice(0).filter(([call]) => /^(?:stop|remove)/.test(String(call)));

test('what runs is removed by force only, and the way out is said', async (t) => {
  for (const [name, what] of [
    ['runs', 'container'],
    ['mine', 'pod'],
  ] as const) {
    const message = `${what} ${name} runs: crib stop it first, or use crib rm -f`;
    await assert.rejects(
      printed(t, () => rm(invocation(address), [name], {})),
      { code: 'FAILED_PRECONDITION', message },
    );
  }
  assert.deepEqual(changes(), []);
  await printed(t, () => rm(invocation(address), ['runs'], { force: true }));
  assert.deepEqual(changes(), [
    ['stopContainer', 'c1', 2000],
    ['removeContainer', 'c1'],
  ]);
});

test('what has ended goes at once; as JSON the ids are printed', async (t) => {
  const { stdout } = await printed(t, () => rm(invocation(address, true), ['done', 'kubelets'], {}));
  assert.deepEqual(JSON.parse(stdout), ['c2', 'p2']);
  assert.deepEqual(changes(), [
    ['removeContainer', 'c2'],
    ['removePod', 'p2'],
  ]);
});

test('with a pod of crib’s own its volumes and logs go, and no other’s', async (t) => {
  t.after(() => fs.rmSync(root, { recursive: true }));
  for (const uid of ['uid-mine', 'uid-other']) {
    fs.mkdirSync(logDirectoryOf(localPods, uid), { recursive: true });
    fs.mkdirSync(path.join(localPods, uid, 'volumes/data'), { recursive: true });
  }
  await printed(t, () => rm(invocation(address), ['mine'], { force: true }));
  assert.deepEqual(
    changes().map(([call]) => call),
    ['stopContainer', 'stopPod', 'removePod'],
  );
  assert.deepEqual(fs.readdirSync(localPods), ['uid-other']);
});
