import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeContainer } from '../../sandbox/container-remove.js';
import { settledVolumes } from '../../sandbox/settled-volumes.js';
import type { VolumeDecision } from '../../volumes/types.js';
import { fakeNode } from '../support/fake-node.js';

function decision(name: string, route: VolumeDecision['route']): VolumeDecision {
  const volume = { plugin: 'empty-dir', name, directory: `/pods/${name}`, subPath: '', isMount: false };
  return {
    containerPath: `/${name}`,
    hostPath: volume.directory,
    kind: 'emptydir',
    route,
    reason: '',
    readonly: false,
    volume,
  };
}

const OTHER: VolumeDecision = {
  ...{ containerPath: '/srv', hostPath: '/srv', kind: 'bind', route: 'host-shared', reason: '', readonly: false },
};

async function podOf(t: Parameters<typeof fakeNode>[0], guest: boolean) {
  const backend = { clear: async () => undefined, capabilities: { guest } as never };
  const made = await fakeNode(t, { keeper: { forget: async () => undefined }, backend });
  const pod = await made.addPod();
  for (const name of ['a', 'b']) {
    await made.addContainer(name, {
      state: 'exited',
      volumes: [decision(name, 'guest-local'), decision('c', 'guest-local'), OTHER],
    });
  }
  return { ...made, pod };
}

test('where a volume of the pod went is known also when its containers are gone, and once each', async (t) => {
  const { node, pod } = await podOf(t, true);
  await Promise.all([removeContainer(node, 'a'), removeContainer(node, 'b')]);
  const names = settledVolumes(node, pod).map(({ volume }) => volume?.name);
  assert.deepEqual(names.sort(), ['a', 'b', 'c']);
  const [saved] = (await node.podRecords.load()).records;
  assert.equal(saved?.settledVolumes?.length, 3);
});

test('on the host nothing is kept, and containers that are there tell of themselves', async (t) => {
  const { node, pod } = await podOf(t, false);
  await removeContainer(node, 'a');
  assert.equal(pod.record.settledVolumes, undefined);
  assert.deepEqual(
    settledVolumes(node, pod).map(({ containerPath }) => containerPath),
    ['/b', '/c', '/srv'],
  );
});
