import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService();
const update = (change: object) => client.runtime.updatePodSandboxResources({ podSandboxId: 'p', ...change });

test('what is left out stays as it is', async () => {
  await update({});
  assert.deepEqual(asked.at(-1), ['updatePodResources', 'p', undefined, undefined]);
  await update({ resources: { cpuShares: 7n } });
  const [, , overhead, resources] = asked.at(-1) ?? [];
  assert.equal(overhead, undefined);
  assert.equal((resources as { cpuShares: number }).cpuShares, 7);
});

test('limits are valid ones, by the name of their field', async () => {
  await assert.rejects(update({ overhead: { cpuShares: -5n } }), refused(/^overhead\.cpu_shares is -5/));
  await assert.rejects(
    update({ resources: { memoryLimitInBytes: -5n } }),
    refused(/^resources\.memory_limit_in_bytes/),
  );
  await assert.rejects(update({ podSandboxId: '' }), refused(/^pod_sandbox_id/));
});
