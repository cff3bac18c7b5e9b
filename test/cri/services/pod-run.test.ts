import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const { client, asked } = await startFakeService({ runPod: async () => 'made' });
const config = { metadata: { name: 'p', uid: 'u', namespace: 'n', attempt: 1 } };

test('configuration and handler arrive', async () => {
  assert.equal((await client.runtime.runPodSandbox({ config, runtimeHandler: 'crun' })).podSandboxId, 'made');
  const [name, given, handler] = asked[0] ?? [];
  assert.deepEqual([name, handler], ['runPod', 'crun']);
  assert.deepEqual((given as { metadata: object }).metadata, config.metadata);
});

test('what makes a pod the same one has to be there', async () => {
  await assert.rejects(client.runtime.runPodSandbox({}), refused(/^config/));
  for (const field of ['name', 'uid', 'namespace'] as const) {
    const metadata = { ...config.metadata, [field]: '' };
    await assert.rejects(
      client.runtime.runPodSandbox({ config: { metadata } }),
      refused(new RegExp(`metadata.${field}`)),
    );
  }
  assert.equal(asked.length, 1);
});
