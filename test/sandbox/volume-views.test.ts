import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { VolumeUsage } from '../../sandbox/volume-usage.js';
import { volumesOfContainer, volumesOfPod } from '../../sandbox/volume-views.js';
import type { PodVolume, VolumeDecision } from '../../volumes/types.js';
import { podConfig } from '../support/configs.js';
import { fakeNode } from '../support/fake-node.js';

const decision = (containerPath: string, change: Partial<VolumeDecision>): VolumeDecision => ({
  containerPath,
  hostPath: '/srv',
  realPath: '/srv',
  kind: 'bind',
  route: 'bind',
  reason: 'a test',
  readonly: false,
  driver: 'bind mount',
  ...change,
});

/** Two containers of one pod that share an emptyDir, one of them a part of it; another pod with the same hostPath. */
async function shared(t: TestContext) {
  const volumeUsage = new VolumeUsage();
  t.after(() => volumeUsage.close());
  const made = await fakeNode(t, { parts: { volumeUsage } });
  const directory = path.join(made.root, 'cache');
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'file'), Buffer.alloc(50_000, 1));
  const volume: PodVolume = { plugin: 'empty-dir', name: 'cache', directory, subPath: '', isMount: false };
  const cache = { kind: 'emptydir', hostPath: directory, volume, sizeLimitBytes: 1 << 20 } as const;
  const pod = await made.addPod();
  const other = await made.addPod({ id: 'other', config: podConfig('neighbour') });
  const web = await made.addContainer('web', {
    volumes: [decision('/cache', { ...cache, realPath: directory }), decision('/host', {})],
  });
  const part = { ...cache, realPath: `${directory}/a`, volume: { ...volume, subPath: 'a' }, readonly: true };
  const tmp = decision('/tmp', { kind: 'tmp', hostPath: '' });
  const { realPath: _none, ...ownTmp } = tmp;
  await made.addContainer('side', { volumes: [decision('/part', part), ownTmp] });
  await made.addContainer('elsewhere', { podId: other.id, volumes: [decision('/data', {}), ownTmp] });
  return { ...made, pod, web, directory };
}

test('each volume once, with who mounts it, how much it may hold and how much it does', async (t) => {
  const { node, pod, directory } = await shared(t);
  const views = await volumesOfPod(node, pod);
  assert.deepEqual(
    views.map(({ name, hostPath, sizeLimitBytes }) => [name, hostPath, sizeLimitBytes]),
    [
      ['cache', directory, 1 << 20],
      ['/srv', '/srv', undefined],
      ['/tmp', '', undefined],
    ],
  );
  const [cache, host, tmp] = views;
  assert.deepEqual(
    cache?.mounts.map(({ container, containerPath, readonly, subPath }) => [
      container,
      containerPath,
      readonly,
      subPath,
    ]),
    [
      ['web', '/cache', false, ''],
      ['side', '/part', true, 'a'],
    ],
  );
  assert.ok((cache.usedBytes ?? 0) >= 50_000);
  assert.equal(host?.usedBytes, undefined, 'a hostPath may be the whole disk');
  assert.deepEqual(host?.otherPods, ['test/neighbour']);
  assert.deepEqual([cache.otherPods, tmp?.otherPods], [[], []]);
});

test("a container's volumes come with the others that have them", async (t) => {
  const { node, web } = await shared(t);
  const [cache, host] = await volumesOfContainer(node, web.record);
  assert.deepEqual(cache?.sharedWith, ['side:/part']);
  assert.ok((cache.usedBytes ?? 0) >= 50_000);
  assert.deepEqual(host?.sharedWith, ['pod test/neighbour']);
});

test('a record of the first version is shown with what it has', async (t) => {
  const { node, pod, addContainer } = await shared(t);
  const { driver: _driver, realPath: _realPath, ...first } = decision('/old', { hostPath: '/old-host' });
  const { record } = await addContainer('old', { volumes: [first] });
  assert.deepEqual((await volumesOfPod(node, pod)).at(-1)?.name, '/old-host');
  assert.deepEqual(await volumesOfContainer(node, record), [{ ...first, sharedWith: [] }]);
});
