import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeService } from '../../support/fake-service.js';

test('a kubelet takes its cgroup driver from the node', async () => {
  for (const [cgroupDriver, number] of [
    ['systemd', 0],
    ['cgroupfs', 1],
  ] as const) {
    const { client } = await startFakeService({ cgroupDriver });
    assert.equal((await client.runtime.runtimeConfig({})).linux?.cgroupDriver, number);
  }
});

test('a pod CIDR is accepted, and nobody is asked', async () => {
  const { client, asked } = await startFakeService();
  await client.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig: { podCidr: '10.0.0.0/24' } } });
  assert.deepEqual(asked, []);
});
