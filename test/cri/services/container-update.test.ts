import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService();
const update = (change: object) => client.runtime.updateContainerResources({ containerId: 'c', ...change });

test('the limits arrive as numbers', async () => {
  await update({ linux: { cpuShares: 512n, memoryLimitInBytes: 1n << 26n, cpusetCpus: '0-1' } });
  const [name, id, resources] = asked[0] ?? [];
  assert.deepEqual([name, id], ['updateContainerResources', 'c']);
  const { cpuShares, memoryLimit, cpusetCpus, cpuQuota } = resources as Record<string, unknown>;
  assert.deepEqual([cpuShares, memoryLimit, cpusetCpus, cpuQuota], [512, 1 << 26, '0-1', 0]);
});

test('limits for Linux, and valid ones', async () => {
  await assert.rejects(update({}), refused(/^linux is required/));
  await assert.rejects(update({ linux: {}, windows: {} }), refused(/^windows is set, but this is a Linux node/));
  await assert.rejects(update({ linux: { cpuShares: -5n } }), refused(/^linux\.cpu_shares is -5/));
  await assert.rejects(update({ linux: {}, containerId: '' }), refused(/^container_id/));
});
